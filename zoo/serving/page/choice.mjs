/** The choice of a model, a version and a call, among those that the server has now. */

import { byId, element } from "./elements.mjs";

const STREAMS = { completions: "Completion, streamed", chat: "Chat, streamed" };

let models = [];

const value = (id) => byId(id).value;
const model = () => models.find(({ name }) => name === value("model"));
const version = () => model().versions.find((item) => String(item.version) === value("version")) ?? model().versions[0];

/**
 * What is chosen: `{model, version, call, example, signature, signatures, explainable}`; version "" is the latest,
 * signature null a stream.
 */
export function chosen() {
  const { example, signatures, explainable } = version();
  const signature = signatures.find(({ name }) => `predict ${name}` === value("call")) ?? null;
  const names = { model: value("model"), version: value("version"), call: value("call") };
  return { ...names, example, signature, signatures, explainable };
}

/** Show the models of the server. Returns whether the fields for the choice are others than before. */
export function showModels(newModels) {
  const before = models.length ? JSON.stringify([chosen(), version().streams]) : "";
  const first = models.length ? value("model") : nameInAddress();
  models = newModels;
  fill(
    "model",
    models.map(({ name }) => [name, name]),
    first,
  );
  fillVersions(value("version"));
  return JSON.stringify([chosen(), version().streams]) !== before;
}

/** The name of a model after "#" in the address of the page. */
function nameInAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return ""; // "%" with something else than two hexadecimal digits
  }
}

/** Offer `options`, [value, text] each, and choose `preferred` where it is one of them. */
function fill(id, options, preferred) {
  byId(id).replaceChildren(...options.map(([name, text]) => element("option", { value: name }, text)));
  if (options.some(([name]) => name === preferred)) byId(id).value = preferred;
}

function fillVersions(preferred) {
  const numbers = model().versions.map((item) => String(item.version));
  fill("version", [["", `latest (${numbers[0]})`], ...numbers.map((number) => [number, number])], preferred);
  fillCalls();
}

function fillCalls() {
  const { signatures, streams } = version();
  const rank = ({ name }) => (name === "serving_default" ? 0 : 1);
  const names = [...signatures].sort((a, b) => rank(a) - rank(b)).map(({ name }) => name);
  const predict = names.map((name) => [`predict ${name}`, name === "serving_default" ? "Predict" : `Predict: ${name}`]);
  const available = value("version") ? [] : streams; // OpenAI's API has no versions
  fill("call", [...available.map((name) => [name, STREAMS[name]]), ...predict], value("call"));
}

/** Call `changed()` whenever a person chooses something else. The model stays in the address of the page. */
export function startChoice(changed) {
  const refresh = {
    model: () => {
      history.replaceState(null, "", `#${encodeURIComponent(value("model"))}`);
      byId("call").value = "";
      fillVersions("");
    },
    version: fillCalls,
    call: () => {},
  };
  for (const [id, action] of Object.entries(refresh)) {
    byId(id).addEventListener("change", () => {
      action();
      changed();
    });
  }
}
