/** Attention as lines between the tokens of queries (left) and keys (right): the head view. */

import { columnWeights, rowWeights } from "../attention_data.mjs";
import { cssValue, useCanvas, useFrame, paint } from "../canvas.mjs";
import { headColour } from "../colours.mjs";
import { html, useRef } from "../html.mjs";
import { ROW, TokenList } from "../token_list.mjs";

const LEAST = 0.02; // weights below it have no line
const MOST_LINES = 12_000; // the least weight rises until there are no more lines
const STEPS = 12; // of opacity and thickness

/** `view` is of `chosenAttention`; `chosen` is `{side: "query" | "key", index}` or null. */
export function AttentionLines({ view, chosen, onChoose, onPoint, masked, names }) {
  const scroller = useRef(null);
  const pointed = useRef(null);
  const draw = (context, width, height) => {
    const geometry = { width, height, top: scroller.current.scrollTop, gap: gapOf(scroller.current) };
    drawLines(context, geometry, view, pointed.current ?? chosen);
  };
  const canvas = useCanvas(draw);
  const redraw = useFrame(() => canvas.current && paint(canvas.current, draw));
  const point = (token) => {
    if (token?.side === pointed.current?.side && token?.index === pointed.current?.index) return;
    pointed.current = token;
    onPoint(token);
    redraw();
  };
  const choose = (side) => (index) => onChoose(index < 0 ? null : { side, index });
  const list = (side, name, tokens, indices) => html`<${TokenList}
    name=${name} side=${side} tokens=${tokens} indices=${indices} masked=${masked}
    chosen=${chosen?.side === side ? chosen.index : -1} onChoose=${choose(side)} />`;
  return html`<div
    class="lines"
    ref=${scroller}
    onScroll=${redraw}
    onPointerMove=${(event) => point(tokenAt(event, scroller.current, view))}
    onPointerLeave=${() => point(null)}
  >
    <div class="canvas-layer"><canvas ref=${canvas} aria-hidden="true"></canvas></div>
    ${list("query", names[0], view.queries, view.rows)} ${list("key", names[1], view.keys, view.columns)}
  </div>`;
}

/** The horizontal range between the two lists, [left, right], in pixels. */
function gapOf(scroller) {
  const [left, right] = scroller.querySelectorAll(".tokens");
  return [left.offsetLeft + left.offsetWidth, right.offsetLeft];
}

/** The token under the pointer: `{side, index}`, or null between the lists. */
function tokenAt(event, scroller, view) {
  const box = scroller.getBoundingClientRect();
  const [left, right] = gapOf(scroller);
  const x = event.clientX - box.left;
  const position = Math.floor((event.clientY - box.top + scroller.scrollTop) / ROW);
  if (x <= left && position in view.rows) return { side: "query", index: view.rows[position] };
  return x >= right && position in view.columns ? { side: "key", index: view.columns[position] } : null;
}

function drawLines(context, geometry, view, token) {
  if (token && !(token.side === "query" ? view.rows : view.columns).includes(token.index)) token = null;
  const heads = view.heads.map((head) => (token ? tokenLines(view, head, token) : allLines(view, head, geometry)));
  if (token) drawBars(context, geometry, view, heads, token);
  const least = token ? 0.004 : leastWeight(heads);
  context.lineCap = "round";
  heads.forEach((lines, i) => drawHead(context, geometry, lines, headColour(view.heads[i]), least));
}

/** The lines [row, column, weight] of a head that begin or end at a token, as positions in the lists. */
function tokenLines(view, head, { side, index }) {
  if (side === "query") {
    const position = view.rows.indexOf(index);
    return Array.from(rowWeights(view.layer, head, index, view), (weight, i) => [position, i, weight]);
  }
  const position = view.columns.indexOf(index);
  return Array.from(columnWeights(view.layer, head, index, view), (weight, i) => [i, position, weight]);
}

/** The lines of a head from the queries that are in sight. */
function allLines(view, head, { top, height }) {
  const lines = [];
  const last = Math.min(view.rows.length - 1, Math.floor((top + height) / ROW));
  for (let position = Math.floor(top / ROW); position <= last; position++) {
    const weights = rowWeights(view.layer, head, view.rows[position], view);
    for (let i = 0; i < weights.length; i++) if (weights[i] >= LEAST) lines.push([position, i, weights[i]]);
  }
  return lines;
}

function leastWeight(heads) {
  const counts = new Uint32Array(101);
  for (const lines of heads) for (const line of lines) counts[Math.floor(100 * line[2])]++;
  let [least, total] = [100, counts[100]];
  while (least > 0 && total + counts[least - 1] <= MOST_LINES) total += counts[--least];
  return Math.max(LEAST, least / 100);
}

function drawHead(context, { top, gap }, lines, colour, least) {
  const steps = Array.from({ length: STEPS + 1 }, () => []);
  for (const line of lines) if (line[2] >= least) steps[Math.min(STEPS, Math.ceil(line[2] * STEPS))].push(line);
  context.strokeStyle = colour;
  steps.forEach((group, step) => {
    if (!group.length) return;
    context.globalAlpha = 0.08 + (0.92 * step) / STEPS;
    context.lineWidth = 0.5 + (3 * step) / STEPS;
    context.beginPath();
    for (const [row, column] of group) {
      context.moveTo(gap[0] + 4, (row + 0.5) * ROW - top);
      context.lineTo(gap[1] - 4, (column + 0.5) * ROW - top);
    }
    context.stroke();
  });
  context.globalAlpha = 1;
}

/** Behind the tokens at the other end: a bar for each head, as opaque as its weight. */
function drawBars(context, { top, width, gap }, view, heads, { side, index }) {
  const [left, right] = side === "query" ? [gap[1], width] : [0, gap[0]];
  const bar = (right - left) / heads.length;
  const position = (side === "query" ? view.rows : view.columns).indexOf(index);
  context.fillStyle = cssValue("--faint");
  context.fillRect(
    side === "query" ? 0 : gap[1],
    position * ROW - top,
    side === "query" ? gap[0] : width - gap[1],
    ROW,
  );
  heads.forEach((lines, i) => {
    context.fillStyle = headColour(view.heads[i]);
    for (const [row, column, weight] of lines) {
      if (weight < 0.004) continue;
      context.globalAlpha = Math.min(0.7, 0.08 + weight);
      context.fillRect(left + i * bar, (side === "query" ? column : row) * ROW - top + 1, bar, ROW - 2);
    }
  });
  context.globalAlpha = 1;
}
