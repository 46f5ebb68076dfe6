/** The fields of a call: one for each input of a signature, or a prompt or message with settings of a generation. */

import { byId, element } from "./elements.mjs";
import { fieldsOf, fieldValue, settingsOf } from "./requests.mjs";

const LABELS = { text_pair: "Second text", max_new_tokens: "New tokens at most", top_k: "Top-k", top_p: "Top-p" };
const SETTINGS = {
  // of OpenAI's API: label and attributes; empty is the default of the model
  max_tokens: ["New tokens at most", { min: 1, step: 1 }],
  temperature: ["Temperature", { min: 0, max: 2, step: "any" }],
  top_k: ["Top-k", { min: 0, step: 1 }],
  top_p: ["Top-p", { min: 0, max: 1, step: "any" }],
  seed: ["Seed", { step: 1 }],
};
const HINTS = {
  // of the signature `generate`
  max_new_tokens: "0: the model's own limit",
  temperature: "0: the most probable",
  top_k: "0: off",
  top_p: "1: off",
};
const LONG_TEXT = 200_000; // code units; Chromium takes 10 s and more to lay out a megabyte whose direction is "auto"
const MASK_HINT = "Write [MASK] or <mask> where a word is wanted.";

let typedTexts = {}; // {input: text} of what was typed, for the next model: "text" is also the prompt and the message

/** Forget what was typed, so that the next fields have the example of the model. */
export const forgetTyped = () => (typedTexts = {});

const title = (name) => LABELS[name] ?? (name[0].toUpperCase() + name.slice(1)).replaceAll("_", " ");

/** A label with its control, whose id is `field-NAME`, and perhaps a hint. */
function labelled(name, label, control, hint = null) {
  control.id = `field-${name}`;
  if (hint) control.setAttribute("aria-describedby", `hint-${name}`);
  const note = hint ? element("p", { class: "hint", id: `hint-${name}` }, hint) : null;
  return element("div", { class: "field" }, element("label", { for: control.id }, label), control, note);
}

function textArea(value, attributes = {}) {
  const area = element("textarea", { dir: "auto", rows: 3, spellcheck: "false", ...attributes });
  area.value = value;
  return area;
}

/** The area of a text that is remembered by the name of an input. */
function rememberedArea(name, example) {
  const oninput = ({ target }) => {
    typedTexts[name] = target.value;
    target.dir = target.value.length > LONG_TEXT ? "ltr" : "auto";
  };
  return textArea(typedTexts[name] ?? example, { oninput });
}

function control({ name, kind, value }) {
  if (kind === "text") return rememberedArea(name, value);
  if (kind === "json") return textArea(value, { class: "code-field", dir: "ltr" });
  if (kind === "checkbox") return element("input", { type: "checkbox", checked: Boolean(value) });
  return element("input", { type: "number", step: kind === "integer" ? 1 : "any", value: String(value) });
}

/** Show the fields of a signature, filled with the example of the model. Returns `read()`, `{name: value}`. */
export function signatureFields(signature, example) {
  const fields = fieldsOf(signature, example);
  const hasMasks = signature.outputs.some(({ name }) => name === "guesses");
  const hint = ({ name, kind, dtype }) => {
    if (kind === "json") return `JSON of one row (${dtype}).`;
    if (signature.name === "generate" && name in HINTS) return HINTS[name];
    return hasMasks && name === "text" ? MASK_HINT : null;
  };
  const node = (field) => labelled(field.name, title(field.name), control(field), hint(field));
  const isSetting = ({ kind }) => ["integer", "number", "checkbox"].includes(kind);
  show(fields.filter((field) => !isSetting(field)).map(node), fields.filter(isSetting).map(node));
  return {
    fields,
    read: () => Object.fromEntries(fields.map((field) => [field.name, fieldValue(field, typed(field))])),
  };
}

/** Show the fields of a streamed generation. Returns `read()`, `{content, settings}`. */
export function generationFields(isChat, example) {
  const texts = isChat
    ? [
        labelled("system", "System message (may be empty)", textArea("", { rows: 1 })),
        labelled("message", "Message", rememberedArea("text", example)),
      ]
    : [labelled("prompt", "Prompt", rememberedArea("text", example))];
  const number = ([name, [label, attributes]]) =>
    labelled(name, label, element("input", { type: "number", placeholder: "default", ...attributes }));
  show(texts, Object.entries(SETTINGS).map(number));
  const settings = () =>
    settingsOf(Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, byId(`field-${name}`).value])));
  const content = () =>
    isChat
      ? { system: byId("field-system").value, message: byId("field-message").value }
      : { prompt: byId("field-prompt").value };
  return { read: () => ({ content: content(), settings: settings() }) };
}

function show(texts, settings) {
  const group = settings.length ? element("fieldset", {}, element("legend", {}, "Settings"), ...settings) : null;
  byId("fields").replaceChildren(...texts, ...(group ? [group] : []));
}

/** What is typed in a field. A lone half of a surrogate pair, which no server can read, becomes U+FFFD. */
function typed({ name, kind }) {
  const node = byId(`field-${name}`);
  return kind === "checkbox" ? node.checked : node.value.toWellFormed();
}
