/** The explanation of an answer: a page of its own, in a frame and for a new tab. */

import { byId } from "./elements.mjs";
import { fieldsOf } from "./requests.mjs";

let url = "";

/** The inputs whose texts can be explained, by name, for what is chosen; [] where there are none. */
export function explainableInputs({ call, signature, signatures, explainable }) {
  const main = signatures.find(({ name }) => name === "serving_default");
  if (!explainable || !main || call === "chat") return [];
  const names = fieldsOf(main).flatMap(({ name, kind }) => (kind === "text" ? [name] : []));
  const available = signature ? signature.inputs.map(({ name }) => name) : names;
  return names.every((name) => available.includes(name)) ? names : [];
}

/** The texts {input: text} of what the fields hold: the prompt of a completion is its only input. */
export function textsToExplain(choice, values) {
  const names = explainableInputs(choice);
  const text = (name) => (choice.signature ? values[name] : values.content.prompt);
  return Object.fromEntries(names.map((name) => [name, text(name)]));
}

/** Show the page of an explanation. */
export function showExplanation(html) {
  hideExplanation();
  url = URL.createObjectURL(new Blob([html], { type: "text/html" }));
  byId("explanation-frame").src = url;
  byId("open-explanation").href = url;
  byId("explanation").hidden = false;
  byId("explanation-heading").focus();
}

/** Forget the explanation that is shown. */
export function hideExplanation() {
  byId("explanation").hidden = true;
  if (url) URL.revokeObjectURL(url);
  url = "";
}
