/** Requests to the server: the fields of a signature, the body of a call, the outputs of an answer. */

import { parseJson } from "./text.mjs";

const ORDER = [
  // in which a person reads them; others follow
  ...["instruction", "question", "text", "text_pair", "context"],
  ...["max_new_tokens", "temperature", "top_k", "top_p", "seed"],
];

/**
 * The kind of field for an input: "text", "integer", "number", "checkbox", or "json" for any other tensor.
 * An input of any rank whose default is a number takes a number for each row.
 */
export function fieldKind({ dtype, shape, default: preset = null }) {
  if (shape === null ? preset === null : shape.length > 1) return "json";
  if (dtype === "string") return "text";
  if (dtype === "bool") return "checkbox";
  if (/^u?int/.test(dtype)) return "integer";
  return /^(float|double|half|bfloat)/.test(dtype) ? "number" : "json";
}

/** The inputs of a signature with their `kind` and default `value`: texts first, in the order of reading. */
export function fieldsOf(signature, example = {}) {
  const rank = ({ name, kind }) => [kind !== "text", ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length];
  const fields = signature.inputs.map((input) => ({ ...input, kind: fieldKind(input) }));
  fields.sort((a, b) => rank(a)[0] - rank(b)[0] || rank(a)[1] - rank(b)[1]);
  const defaults = { text: "", integer: 0, number: 0, checkbox: false, json: "[0]" };
  return fields.map((field) => ({
    ...field,
    value: example[field.name] ?? field.default ?? defaults[field.kind],
  }));
}

/** The value that a field's text stands for. Throws an Error that names the field. */
export function fieldValue({ name, kind }, text) {
  if (kind === "text" || kind === "checkbox") return text;
  if (kind === "json") {
    try {
      return parseJson(text);
    } catch {
      throw new Error(`Expected JSON in ${name}, such as [1, 2, 3].`);
    }
  }
  const value = Number(text);
  const valid = String(text).trim() !== "" && Number.isFinite(value) && (kind === "number" || Number.isInteger(value));
  if (!valid) throw new Error(`Expected ${kind === "integer" ? "a whole number" : "a number"} in ${name}.`);
  return value;
}

/** The path of a model or of one of its versions. */
const modelPath = (model, version) => `v1/models/${encodeURIComponent(model)}${version ? `/versions/${version}` : ""}`;

/**
 * The call `{path, body}` of a signature by TensorFlow Serving's REST: a row of values; columns where an input has no
 * dimension of rows.
 */
export function predictCall(model, version, signature, fields, values) {
  const name = signature.name === "serving_default" ? {} : { signature_name: signature.name };
  const byRow = fields.every(({ shape }) => shape === null || (shape.length > 0 && shape[0] === null));
  const cell = ({ name, shape }) => (shape !== null && shape[0] === null ? [values[name]] : values[name]);
  const inputs = Object.fromEntries(fields.map((field) => [field.name, byRow ? values[field.name] : cell(field)]));
  const body = byRow ? { ...name, instances: [inputs] } : { ...name, inputs };
  return { path: `${modelPath(model, version)}:predict`, body };
}

/** The outputs of the row, {name: value}, in the answer of a `predictCall`. A single output comes without its name. */
export function outputsOf(signature, answer) {
  const names = signature.outputs.map(({ name }) => name);
  if (answer.predictions) {
    const [row] = answer.predictions;
    return names.length === 1 ? { [names[0]]: row } : row;
  }
  const columns = names.length === 1 ? { [names[0]]: answer.outputs } : answer.outputs;
  const row = ({ name, shape }) => (shape === null || shape[0] === null ? columns[name][0] : columns[name]);
  return Object.fromEntries(signature.outputs.map((output) => [output.name, row(output)]));
}

/** The settings of a generation that have a value: {name: number}. Throws an Error that names a field. */
export function settingsOf(texts) {
  const settings = {};
  for (const [name, text] of Object.entries(texts)) {
    const kind = ["max_tokens", "seed", "top_k"].includes(name) ? "integer" : "number";
    if (text.trim() !== "") settings[name] = fieldValue({ name, kind }, text);
  }
  return settings;
}

/** The call of a streamed completion by OpenAI's API: `content` is a `prompt` or `messages`. */
export function streamCall(model, content, settings) {
  const path = content.messages ? "v1/chat/completions" : "v1/completions";
  return {
    path,
    stream: true,
    body: { model, ...content, ...settings, stream: true, stream_options: { include_usage: true } },
  };
}

/** The message of an error, as the server says it. */
export function errorMessage(status, text) {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : error.message;
  } catch {
    return text.trim() || `The server answered with status ${status}.`;
  }
}
