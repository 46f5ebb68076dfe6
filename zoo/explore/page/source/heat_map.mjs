/** A heat map of rows x columns of numbers, with a cursor that the pointer and the arrow keys move. */

import { cellImage, cssValue, useCanvas } from "./canvas.mjs";
import { scheme } from "./colours.mjs";
import { html, useMemo, useRef, useState } from "./html.mjs";

const LABELLED = 14; // pixels of a cell from which on rows and columns are labelled
const LABELS = 96; // pixels for the labels of the rows
const TOP = 74; // pixels for those of the columns

/** The pixels before the first column of a map whose cells have a height. */
export const labelWidth = (height) => (height >= LABELLED ? LABELS : 0);

/**
 * Args:
 *   name: of the map, for screen readers.
 *   rows, columns: their labels.
 *   colour(row, column): [red, green, blue]; `cells` is what it depends on.
 *   describe(row, column): a sentence.
 *   cursor: [row, column], or null; `onMove(row, column)` when keys or a click move it.
 *   cell: [width, height] in pixels.
 *   columnLabels: whether columns have labels that are worth their space.
 */
export function HeatMap({ name, rows, columns, colour, cells, describe, cursor, onMove, cell, columnLabels = true }) {
  const [pointed, setPointed] = useState(null);
  const image = useMemo(() => cellImage(rows.length, columns.length, colour), [...cells, scheme()]);
  const left = labelWidth(cell[1]);
  const top = columnLabels && cell[0] >= LABELLED ? TOP : 0;
  const style = { width: `${left + cell[0] * columns.length}px`, height: `${top + cell[1] * rows.length}px` };
  const canvas = useCanvas((context) => {
    context.imageSmoothingEnabled = false;
    context.drawImage(image, left, top, cell[0] * columns.length, cell[1] * rows.length);
    drawLabels(context, rows, columns, cell, left, top);
    for (const at of [cursor, pointed]) if (at) drawCursor(context, at, cell, left, top);
  });
  const frame = useRef(null);
  const at = (event) => {
    const box = canvas.current.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - left) / cell[0]);
    const row = Math.floor((event.clientY - box.top - top) / cell[1]);
    return row in rows && column in columns ? [row, column] : null;
  };
  const key = (event) => {
    const [row, column] = cursor ?? [0, 0];
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    onMove(clamp(row + step[0], rows.length), clamp(column + step[1], columns.length));
  };
  const shown = pointed ?? cursor;
  return html`<figure class="heat-map">
    <div
      ref=${frame}
      class="scroll"
      tabindex="0"
      role="application"
      aria-label="${name}. Arrow keys move the cursor."
      onKeyDown=${key}
      onPointerMove=${(event) => setPointed(at(event))}
      onPointerLeave=${() => setPointed(null)}
      onClick=${(event) => at(event) && onMove(...at(event))}
    >
      <canvas ref=${canvas} style=${style} aria-hidden="true"></canvas>
    </div>
    <figcaption class="readout"
      aria-live="polite">${shown ? describe(...shown) : "Point at a cell, or move with the arrow keys."}</figcaption>
  </figure>`;
}

const clamp = (index, length) => Math.min(length - 1, Math.max(0, index));

function drawLabels(context, rows, columns, cell, left, top) {
  context.fillStyle = cssValue("--text");
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.textAlign = "right";
  if (left)
    rows.forEach((text, i) => context.fillText(fit(context, text, left - 8), left - 6, top + (i + 0.5) * cell[1]));
  context.textAlign = "left";
  if (!top) return;
  columns.forEach((text, i) => {
    context.save();
    context.translate(left + (i + 0.5) * cell[0], top - 6);
    context.rotate(-Math.PI / 2);
    context.fillText(fit(context, text, top - 10), 0, 0);
    context.restore();
  });
}

/** The beginning of a text that fits into a width. */
function fit(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  const characters = [...text];
  while (characters.length > 1 && context.measureText(`${characters.join("")}…`).width > width) characters.pop();
  return `${characters.join("")}…`;
}

function drawCursor(context, [row, column], cell, left, top) {
  context.strokeStyle = cssValue("--text");
  context.lineWidth = 2;
  const [width, height] = cell.map((size) => Math.max(size, 5));
  context.strokeRect(
    left + (column + 0.5) * cell[0] - width / 2,
    top + (row + 0.5) * cell[1] - height / 2,
    width,
    height,
  );
}

/** A legend of a scale: its colours between two numbers. */
export function Legend({ colour, from, to, low = 0 }) {
  const stops = Array.from({ length: 9 }, (_, i) => `rgb(${colour(low + ((1 - low) * i) / 8).join(" ")})`);
  return html`<p class="legend">
    <span>${from}</span>
    <span class="ramp" aria-hidden="true" style=${{ background: `linear-gradient(to right, ${stops.join(", ")})` }}>
      </span>
    <span>${to}</span>
  </p>`;
}
