/** The page of `zoo serve`: choose a model and a call, type a text, see the answer and the code for the call. */

import { answerView } from "./answers.mjs";
import { showCode, startCodePanel } from "./code_panel.mjs";
import { byId, element } from "./elements.mjs";
import { generationFields, signatureFields } from "./fields.mjs";
import { chat, complete, generationCall, restartChat } from "./generation.mjs";
import { outputsOf, predictCall } from "./requests.mjs";
import { RefusedError, say, send, setToken, showError, startProgress } from "./server.mjs";
import { duration, parseJson } from "./text.mjs";

const STREAMS = { completions: "Completion, streamed", chat: "Chat, streamed" };
const RETRY = 2000; // milliseconds between looks for a model that is ready
const TYPING = 150; // milliseconds of rest before the code of a long text is built again

let models = [];
let form = null; // what `signatureFields` or `generationFields` returned
let running = false;

const choice = (id) => byId(id).value;
const model = () => models.find(({ name }) => name === choice("model"));
const versionOf = ({ versions }) => versions.find(({ version }) => String(version) === choice("version")) ?? versions[0];
const isChat = () => choice("call") === "chat";
const isStream = () => choice("call") in STREAMS;
const signature = () => versionOf(model()).signatures.find(({ name }) => `predict ${name}` === choice("call"));

function fill(select, options) {
  const before = select.value;
  select.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
  if (options.some(([value]) => value === before)) select.value = before;
}

function showModels() {
  fill(byId("model"), models.map(({ name }) => [name, name]));
  const name = decodeURIComponent(location.hash.slice(1));
  if (models.some((item) => item.name === name)) byId("model").value = name;
  showVersions();
}

function showVersions() {
  const [latest, ...older] = model().versions.map(({ version }) => version);
  byId("version").value = "";
  fill(byId("version"), [["", `latest (${latest})`], ...[latest, ...older].map((version) => [version, version])]);
  showCalls();
}

function showCalls() {
  const { signatures, streams } = versionOf(model());
  const first = ({ name }) => (name === "serving_default" ? 0 : 1);
  const ordered = [...signatures].sort((a, b) => first(a) - first(b));
  const predict = ordered.map(({ name }) => [`predict ${name}`, name === "serving_default" ? "Predict" : `Predict: ${name}`]);
  const available = choice("version") ? [] : streams; // OpenAI's API has no versions
  fill(byId("call"), [...available.map((name) => [name, STREAMS[name]]), ...predict]);
  showFields();
}

function showFields() {
  const { example } = versionOf(model());
  form = isStream() ? generationFields(isChat(), example.text ?? "") : signatureFields(signature(), example);
  restartChat();
  byId("restart").hidden = !isChat();
  byId("example").hidden = !Object.keys(example).length;
  clearAnswer();
  showCurrentCode();
}

/** The call of what the fields hold. Throws an Error that names a field. */
function currentCall() {
  if (isStream()) return generationCall(choice("model"), isChat(), form.read());
  return predictCall(choice("model"), choice("version"), signature(), form.fields, form.read());
}

function showCurrentCode() {
  if (!form) return;
  try {
    showCode(currentCall());
  } catch (error) {
    showCode(null, error.message);
  }
}

function clearAnswer() {
  showError("");
  say("");
  byId("answer").replaceChildren();
  byId("json").hidden = true;
}

async function submit(event) {
  event?.preventDefault();
  if (running) return;
  setToken(byId("token").value);
  if (!form) return loadModels();
  clearAnswer();
  running = true;
  byId("send").setAttribute("aria-disabled", "true");
  const progress = startProgress();
  try {
    await run(progress);
  } catch (error) {
    report(error);
  } finally {
    progress.end();
    running = false;
    byId("send").removeAttribute("aria-disabled");
  }
}

async function run(progress) {
  const call = currentCall();
  showCode(call);
  if (isStream()) return isChat() ? chat(call, progress) : complete(call, progress);
  const [values, spec] = [form.read(), signature()];
  const response = await send(call.path, call.body, progress.signal);
  const text = await response.text();
  const time = duration(progress.elapsed());
  const view = answerView(outputsOf(spec, parseJson(text)), values);
  byId("answer").replaceChildren(...(view ? [view.node] : []));
  showJson(text, view === null);
  say(`Answered in ${time}`, view?.summary);
}

function showJson(text, open) {
  byId("json").querySelector("pre").textContent = text;
  byId("json").hidden = false;
  byId("json").open = open;
}

function report(error) {
  if (error.name === "AbortError") return say("Stopped");
  say("");
  showError(error instanceof RefusedError ? `${error.message} (status ${error.status})` : error.message);
  if (error.status !== 401) return;
  byId("token-field").hidden = false;
  byId("token").focus();
}

/** Read the models of the server, now and until one is ready. */
async function loadModels() {
  try {
    const response = await send("page/models");
    models = (await response.json()).models;
  } catch (error) {
    return report(error);
  }
  showError("");
  say(models.length ? "" : "No model is ready yet");
  if (models.length) showModels();
  else setTimeout(loadModels, RETRY);
}

function sendWithKeys(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
}

function debounced(action) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, TYPING);
  };
}

function chooseModel() {
  history.replaceState(null, "", `#${encodeURIComponent(choice("model"))}`);
  showVersions();
}

startCodePanel();
byId("form").addEventListener("submit", submit);
byId("form").addEventListener("input", debounced(showCurrentCode));
document.addEventListener("keydown", sendWithKeys);
byId("token").addEventListener("change", () => setToken(byId("token").value));
byId("model").addEventListener("change", chooseModel);
byId("version").addEventListener("change", showCalls);
byId("call").addEventListener("change", showFields);
byId("example").addEventListener("click", showFields);
byId("restart").addEventListener("click", showFields);
loadModels();
