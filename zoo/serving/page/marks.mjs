/** Spans marked in a text, by offsets in characters. */

import { element } from "./elements.mjs";
import { codeUnitOffsets } from "./text.mjs";

const STYLES = 8; // of marks in style.css: a colour and a line each
const LONG = 2000; // characters above which a text scrolls in a box of its own
const MOST_MARKS = 2000; // marks in a text; a browser lays out more of them slowly

/**
 * A text with its spans marked, each followed by its label.
 * Spans are `{start, end, label, style}`; one that overlaps the span before it, or lies outside the text, has no mark.
 */
export function markedText(text, spans) {
  const offsets = codeUnitOffsets(text);
  const region = { tabindex: 0, role: "region", "aria-label": "Text with its spans" }; // for the keys that scroll
  const node = element("p", { class: "marked", dir: "auto", ...(text.length > LONG ? region : {}) });
  let position = 0;
  for (const { start, end, label, style } of disjointSpans(spans, offsets.length - 1)) {
    node.append(text.slice(position, offsets[start]), mark(text.slice(offsets[start], offsets[end]), label, style));
    position = offsets[end];
  }
  node.append(text.slice(position));
  return node;
}

/** The spans that can be marked, in the order of the text. */
export function disjointSpans(spans, length) {
  const ordered = spans.filter(({ start, end }) => start >= 0 && start < end && end <= length);
  ordered.sort((a, b) => a.start - b.start || b.end - a.end);
  const disjoint = [];
  for (const span of ordered) {
    if (disjoint.length < MOST_MARKS && span.start >= (disjoint.at(-1)?.end ?? 0)) disjoint.push(span);
  }
  return disjoint;
}

function mark(text, label, style = 0) {
  const name = label ? [" ", element("span", { class: "label" }, label)] : [];
  return element("mark", { class: `style-${style % STYLES}` }, element("bdi", {}, text), name);
}

/** A function from a label to the number of its style, the same for the same set of labels. */
export function labelStyles(labels) {
  const names = [...new Set(labels)].sort();
  return (label) => names.indexOf(label);
}
