/** All layers and heads at once, each a thumbnail of its weights: the model view. */

import { get, set } from "../address.mjs";
import { paint } from "../canvas.mjs";
import { scheme, sequential } from "../colours.mjs";
import { html, useLayoutEffect, useRef } from "../html.mjs";

const SIDE = 40; // most cells of a thumbnail along a side

const thumbnails = new WeakMap(); // {layer: of each head [rows, columns, largest weights]}

export function AttentionOverview({ view }) {
  const { layers } = view.attention;
  const count = layers[0].weights.shape[0];
  const grid = useRef(null);
  const open = (layer, head) => set({ layer, heads: [head], mode: "lines" });
  const at = get("overview", [0, 0]);
  const focused = [Math.min(at[0] ?? 0, layers.length - 1), Math.min(at[1] ?? 0, count - 1)];
  const move = (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [layer, head] = [focused[0] + step[0], focused[1] + step[1]];
    if (!(layer in layers) || head < 0 || head >= count) return;
    set({ overview: [layer, head] });
    grid.current.querySelector(`[data-cell="${layer}.${head}"]`).focus();
  };
  return html`<p class="hint">A row for each layer, a column for each head; in a thumbnail queries go down and keys to the
      right. Darker in the light, or brighter in the dark, is more weight. A click opens the head.</p>
    <div class="scroll"><table class="overview" ref=${grid} onKeyDown=${move}>
      <caption class="off-screen">Attention weights of all layers and heads</caption>
      <thead><tr><td></td>${Array.from({ length: count }, (_, head) => html`<th scope="col">${head}</th>`)}</tr></thead>
      <tbody>${layers.map(
        (layer, i) =>
          html`<tr><th scope="row">${layer.name}</th>${Array.from(
            { length: count },
            (
              _,
              head,
            ) => html`<td><button type="button" data-cell="${i}.${head}"
              tabindex=${i === focused[0] && head === focused[1] ? 0 : -1}
            aria-label="${layer.name}, head ${head}: ${summary(layer, head)}" onClick=${() => open(i, head)}
            onFocus=${() => set({ overview: [i, head] })}><${Thumbnail} layer=${layer} head=${head} /></button></td>`,
          )}</tr>`,
      )}</tbody>
    </table></div>`;
}

/** What a screen reader says of a thumbnail: the statistics of the head. */
function summary({ statistics }, head) {
  const parts = Object.entries(statistics).map(([name, values]) => `${name} ${values.at(head).toFixed(2)}`);
  return parts.join(", ") || "open";
}

function Thumbnail({ layer, head }) {
  const canvas = useRef(null);
  useLayoutEffect(
    () => paint(canvas.current, (context, width, height) => draw(context, width, height, thumbnail(layer, head))),
    [layer, head, scheme()],
  );
  return html`<canvas ref=${canvas} aria-hidden="true"></canvas>`;
}

/** [rows, columns, the square root of the largest weight of each cell] of a head. */
function thumbnail(layer, head) {
  if (!thumbnails.has(layer)) thumbnails.set(layer, []);
  const cache = thumbnails.get(layer);
  cache[head] ??= pool(layer.weights, head);
  return cache[head];
}

function pool({ values, scale, shape, strides }, head) {
  const [, queries, keys] = shape;
  const [rows, columns] = [Math.min(SIDE, queries), Math.min(SIDE, keys)];
  const cells = new Float32Array(rows * columns);
  const cellOfRow = Uint16Array.from({ length: queries }, (_, i) => Math.floor((i * rows) / queries) * columns);
  for (let key = 0; key < keys; key++) {
    const column = Math.floor((key * columns) / keys);
    let at = head * strides[0] + key * strides[2];
    for (let query = 0; query < queries; query++, at += strides[1]) {
      const cell = cellOfRow[query] + column;
      if (values[at] > cells[cell]) cells[cell] = values[at];
    }
  }
  return [rows, columns, cells.map((value) => Math.sqrt(value * scale))];
}

function draw(context, width, height, [rows, columns, cells]) {
  const colour = sequential();
  const [x, y] = [width / columns, height / rows];
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i++) {
      context.fillStyle = `rgb(${colour(cells[i]).join(" ")})`;
      context.fillRect(column * x, row * y, x + 0.5, y + 0.5);
    }
  }
}
