/** Answers of a model as a person reads them: `{node, summary}` by the names of the outputs. */

import { bar, copyButton, element, table } from "./elements.mjs";
import { labelStyles, markedText } from "./marks.mjs";
import { counted, figure, percent, shorten } from "./text.mjs";

const TAGGING = ["texts", "starts", "ends", "scores"];
const MASK = /\[MASK\]|<mask>/gi;

const VIEWS = [
  // the outputs that a view needs; the first that has them all is used
  [["labels", ...TAGGING], (outputs, inputs) => taggingView(outputs, inputs, "labels")],
  [["tags", ...TAGGING], (outputs, inputs) => taggingView(outputs, inputs, "tags")],
  [["labels", "probabilities"], classesView],
  [["answer", "start", "end", "score", "no_answer"], answerSpanView],
  [["text", "guesses", "scores"], masksView],
  [["follows", "probability"], nextSentenceView],
  [["text", "length", "finished"], generatedView],
  [["ids", "starts", "ends", "length"], tokensView],
  [["vector"], vectorView],
  [["score"], scoreView],
];

/** The view of a row of outputs; null where no view suits, and the JSON says it all. */
export function answerView(outputs, inputs) {
  const view = VIEWS.find(([names]) => names.every((name) => name in outputs));
  try {
    return view ? view[1](outputs, inputs) : null;
  } catch (error) {
    if (error instanceof TypeError) return null; // outputs of these names and of another form, from another program
    throw error;
  }
}

const probability = (share) => element("span", { class: "share" }, bar(share), element("span", {}, percent(share)));

function classesView({ labels, probabilities, selected }) {
  const rows = labels.map((label, i) => [
    label,
    ...(selected ? [selected[i] ? "✓ yes" : "no"] : []),
    probability(probabilities[i]),
  ]);
  const columns = ["Label", ...(selected ? ["Selected"] : []), ">Probability"];
  const node = table("Labels by probability", columns, rows, 12);
  if (!selected) return { node, summary: `${labels[0]}, ${percent(probabilities[0])}` };
  const names = labels.filter((_, i) => selected[i]);
  return { node, summary: names.length ? `Selected: ${names.join(", ")}` : "No label is selected" };
}

function taggingView(outputs, { text }, key) {
  const spans = outputs[key].map((label, i) => ({
    label,
    text: outputs.texts[i],
    start: outputs.starts[i],
    end: outputs.ends[i],
    score: outputs.scores[i],
  }));
  const entities = spans.filter(({ start }) => start >= 0); // others are padding
  const style = labelStyles(entities.map(({ label }) => label));
  const styled = entities.map((entity) => ({ ...entity, style: style(entity.label) }));
  const rows = entities.map((entity) => [entity.label, located(entity), probability(entity.score)]);
  const columns = [key === "labels" ? "Entity" : "Tag", "Text, characters", ">Score"];
  const node = element("div", {}, labelOfText(outputs), markedText(text, styled));
  if (rows.length) node.append(table("Spans in the text", columns, rows));
  const count = key === "labels" ? counted(rows.length, "entity", "entities") : counted(rows.length, "word");
  return { node, summary: outputs.label === undefined ? count : `${outputs.label}, ${count}` };
}

/** A span of a text, with its offsets. */
const located = ({ text, start, end }) => [
  element("bdi", {}, text),
  " ",
  element("span", { class: "hint" }, `${start}–${end}`),
];

/** The label of the whole text, which `classify_and_tag` gives beside the spans. */
function labelOfText({ label, probability: share }) {
  if (label === undefined) return null;
  return element("p", { class: "result" }, element("bdi", {}, label), " ", probability(share));
}

function answerSpanView({ answer, start, end, score, no_answer: none }, { context }) {
  const exists = start >= 0;
  const rows = [["No answer", probability(none)]];
  if (exists) rows.unshift(["This answer", probability(score)]);
  const node = element(
    "div",
    {},
    element("p", { class: "result", dir: "auto" }, exists ? answer : "No answer in the context"),
    markedText(context, exists ? [{ start, end, style: 0 }] : []),
    table("Probabilities", ["Decision", ">Probability"], rows),
  );
  return { node, summary: exists ? answer : "No answer in the context" };
}

function masksView({ text, guesses, scores }, inputs) {
  const masks = guesses.map((words, i) => ({ words, scores: scores[i] })).filter(({ words }) => words[0] !== "");
  const node = element("div", {}, filledText(inputs.text, text));
  for (const [i, mask] of masks.entries()) {
    const rows = mask.words.map((word, j) => [word, probability(mask.scores[j])]);
    node.append(
      element("h3", {}, `Mask ${i + 1}`),
      table(`Guesses for mask ${i + 1}`, ["Guess", ">Probability"], rows),
    );
  }
  if (!masks.length)
    node.append(element("p", {}, "The text has no mask. Write [MASK] or <mask> where a word is wanted."));
  return { node, summary: text };
}

/** The filled text, its fills marked where the text around the masks is unchanged. */
export function filledText(template, text) {
  const spans = filledSpans(template, text);
  return markedText(
    text,
    spans.map((span) => ({ ...span, style: 0 })),
  );
}

/** The spans, in characters, of `text` that replace the masks of `template`; [] where these cannot be told. */
export function filledSpans(template, text) {
  const parts = template.split(MASK).map((part) => part.trim());
  const spans = [];
  let position = text.indexOf(parts[0]) + parts[0].length;
  for (const part of parts.slice(1)) {
    const next = part ? text.indexOf(part, position) : text.length;
    if (next < position) return [];
    const fill = text.slice(position, next);
    const start = position + fill.length - fill.trimStart().length;
    spans.push({ start: countCharacters(text, start), end: countCharacters(text, start + fill.trim().length) });
    position = next + part.length;
  }
  return spans;
}

const countCharacters = (text, end) => [...text.slice(0, end)].length;

function nextSentenceView({ follows, probability: share }) {
  const answer = follows ? "The second text follows the first" : "The second text does not follow the first";
  const row = [["It follows", probability(share)]];
  const node = element(
    "div",
    {},
    element("p", { class: "result" }, answer),
    table("Probability", ["Decision", ">Probability"], row),
  );
  return { node, summary: `${answer}, ${percent(share)}` };
}

function generatedView({ text, length, finished }) {
  const summary = `${counted(length, "token")}, ${finished ? "complete" : "stopped at the limit"}`;
  const node = element(
    "div",
    {},
    element("p", { class: "generated", dir: "auto" }, text),
    element("p", { class: "hint" }, summary),
  );
  return { node, summary: `${shorten(text, 300)} (${summary})` };
}

function tokensView({ ids, starts, ends, length }, { text }) {
  const characters = [...text];
  const tokens = ids.slice(0, length).map((id, i) => ({ id: String(id), start: starts[i], end: ends[i] }));
  const piece = ({ start, end }) => (start >= end ? "(special)" : characters.slice(start, end).join(""));
  const rows = tokens.map((token) => [
    token.id,
    piece(token),
    token.start >= token.end ? "" : `${token.start}–${token.end}`,
  ]);
  const marks = tokens.map(({ start, end }, i) => ({ start, end, style: i % 2 }));
  const node = element("div", {}, markedText(text, marks), table("Tokens", [">Id", "Text", ">Characters"], rows));
  return { node, summary: counted(length, "token") };
}

function vectorView({ vector }) {
  const norm = Math.hypot(...vector);
  const first = vector.slice(0, 8).map(figure).join(", ");
  const node = element(
    "div",
    {},
    element("p", { class: "result" }, `${counted(vector.length, "number")}, norm ${figure(norm)}`),
    element("p", { class: "generated" }, `[${first}${vector.length > 8 ? ", …" : ""}]`),
    copyButton("Copy the vector", () => JSON.stringify(vector)),
  );
  return { node, summary: `A vector of ${counted(vector.length, "number")}` };
}

function scoreView({ score }) {
  return { node: element("p", { class: "result" }, `Score ${figure(score)}`), summary: `Score ${figure(score)}` };
}
