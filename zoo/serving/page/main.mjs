/** The page of `zoo serve`: choose a model and a call, type a text, see the answer and the code for the call. */

import { answerView } from "./answers.mjs";
import { chosen, showModels, startChoice } from "./choice.mjs";
import { showCode, startCodePanel } from "./code_panel.mjs";
import { byId, copyButton } from "./elements.mjs";
import { explainableInputs, hideExplanation, showExplanation, textsToExplain } from "./explanation.mjs";
import { forgetTyped, generationFields, signatureFields } from "./fields.mjs";
import { chat, complete, generationCall, restartChat, showTurns } from "./generation.mjs";
import { outputsOf, predictCall } from "./requests.mjs";
import { RefusedError, say, send, setToken, showError, startProgress, UnreachableError } from "./server.mjs";
import { duration, parseJson } from "./text.mjs";

const RETRY = 2000; // milliseconds between looks for models that are not ready yet
const MOST_JSON = 20_000; // characters of an answer that are shown
const TYPING = 150; // milliseconds of rest before the code of a text is written again

let form = null; // what `signatureFields` or `generationFields` returned
let running = false;
let typing = 0; // timer
let unreachable = false; // the server, when the models were asked for

const isChat = () => chosen().call === "chat";

function showFields() {
  const { signature, example } = chosen();
  form = signature ? signatureFields(signature, example) : generationFields(isChat(), example.text ?? "");
  restartChat();
  clearAnswer();
  byId("restart").hidden = !isChat();
  byId("explore").hidden = !explainableInputs(chosen()).length;
  byId("example").hidden = !Object.keys(example).length;
  showCurrentCode();
}

/** Show the fields as they were at first: the example of the model, and no turns of a chat. */
function resetFields() {
  forgetTyped();
  showFields();
}

/** The call of what the fields hold. Throws an Error that names a field. */
function currentCall() {
  const { model, version, signature } = chosen();
  if (signature) return predictCall(model, version, signature, form.fields, form.read());
  return generationCall(model, isChat(), form.read());
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
  hideExplanation();
}

/** Clear the answer and do something that needs the server: `action(progress)`. */
async function perform(action) {
  if (running || !takeToken()) return;
  if (!form) return loadModels();
  clearTimeout(typing);
  clearAnswer();
  if (isChat()) showTurns();
  running = true;
  disable(true);
  const progress = startProgress();
  try {
    await action(progress);
  } catch (error) {
    report(error);
  } finally {
    progress.end();
    running = false;
    disable(false);
  }
}

function disable(disabled) {
  for (const id of ["send", "explore"]) byId(id).setAttribute("aria-disabled", String(disabled));
}

function submit(event) {
  event.preventDefault();
  perform(run);
}

/** Take the token of its field. Returns whether it can be one. */
function takeToken() {
  try {
    setToken(byId("token").value);
    return true;
  } catch (error) {
    report(error);
    return false;
  }
}

async function run(progress) {
  const { signature } = chosen();
  showCurrentCode();
  const call = currentCall();
  if (!signature) return isChat() ? chat(call, progress) : complete(call, progress);
  const values = form.read();
  const response = await send(call.path, call.body, progress.signal);
  const text = await response.text();
  const time = duration(progress.elapsed());
  const view = answerView(outputsOf(signature, parseJson(text)), values);
  byId("answer").replaceChildren(...(view ? [view.node] : []));
  showJson(text, view === null);
  say(`Answered in ${time}`, view?.summary);
}

async function explore(progress) {
  showCurrentCode();
  const { model, version } = chosen();
  const inputs = textsToExplain(chosen(), form.read());
  const response = await send("page/explore", { model, version, inputs }, progress.signal);
  showExplanation(await response.text());
  say(`Explained in ${duration(progress.elapsed())}`);
}

function showJson(text, open) {
  const cut = text.length > MOST_JSON ? `${text.slice(0, MOST_JSON)}\n… (Copy copies all of it)` : text;
  byId("json").querySelector("pre").textContent = cut;
  byId("copy-json").replaceChildren(copyButton("Copy the JSON", () => text));
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

/** Read the models of the server, now and until all are ready. */
async function loadModels() {
  try {
    const response = await send("page/models");
    const { models, ready } = await response.json();
    if (!form || unreachable) showError("");
    unreachable = false;
    if (models.length && !running && showModels(models)) showFields();
    if (!form) say("No model is ready yet");
    if (!ready) setTimeout(loadModels, RETRY);
  } catch (error) {
    report(error);
    unreachable = error instanceof UnreachableError;
    if (unreachable) setTimeout(loadModels, RETRY);
  }
}

/** Look for new models and versions when a person comes back to the page. */
function refresh() {
  if (document.visibilityState === "visible" && form && !running) loadModels();
}

function sendWithKeys(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
}

/** Write the code anew when typing rests. A request that is sent meanwhile has its own code. */
function followTyping() {
  clearTimeout(typing);
  typing = setTimeout(showCurrentCode, TYPING);
}

startCodePanel();
startChoice(() => {
  byId("stop").click(); // does nothing where nothing runs
  showFields();
});
byId("form").addEventListener("submit", submit);
byId("explore").addEventListener("click", () => perform(explore));
byId("form").addEventListener("input", followTyping);
byId("token").addEventListener("change", takeToken);
byId("example").addEventListener("click", resetFields);
byId("restart").addEventListener("click", resetFields);
document.addEventListener("keydown", sendWithKeys);
document.addEventListener("visibilitychange", refresh);
loadModels();
