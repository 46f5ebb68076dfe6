/** The part of an attention that is shown: tokens, their weights, and what hiding tokens makes of them. */

import { get } from "./address.mjs";
import { sum } from "./figures.mjs";

const SEGMENTS = { all: [null, null], "0-0": [0, 0], "0-1": [0, 1], "1-0": [1, 0], "1-1": [1, 1] };

/** The tokens of the queries of an attention; those of pooling are one. */
export function queryTokens(text, attention) {
  const tokens = text.sequences[attention.queries];
  const count = attention.layers[0].weights.shape[1];
  return count === 1 && tokens.length !== 1 ? [{ text: "pooled vector", special: false, segment: 0 }] : tokens;
}

/**
 * What the address chooses of a text: an `attention`, a `layer` and `heads`, the `rows` of `queries` and the `columns` of
 * `keys` that are shown, whether to `renormalise`, and the `variant` with a masked token.
 */
export function chosenAttention(text) {
  const number = bounded(get("stack", 0), text.attention.length);
  const variant =
    text.variants.find(({ sequence, position }) => `${sequence}:${position}` === get("masked", "")) ?? null;
  const attention = variant?.attention[number] ?? text.attention[number];
  const layerNumber = bounded(get("layer", 0), attention.layers.length);
  const layer = attention.layers[layerNumber];
  const heads = chosenHeads(layer.weights.shape[0]);
  const [queries, keys] = [queryTokens(text, attention), text.sequences[attention.keys]];
  const [first, second] = SEGMENTS[get("segments", "all")] ?? SEGMENTS.all;
  const hide = get("hide", false);
  const rows = visible(queries, hide, first);
  const columns = visible(keys, hide, second);
  const renormalise = get("renormalise", false) && columns.length < keys.length;
  return { number, attention, layerNumber, layer, heads, queries, keys, rows, columns, renormalise, variant };
}

/** An index within a length. */
export const bounded = (index, length) => (index >= 0 && index < length ? index : 0);

/** The chosen heads of a layer; all where none is chosen. */
export function chosenHeads(count) {
  const heads = get("heads", []).filter((head) => head < count);
  return heads.length ? heads : Array.from({ length: count }, (_, i) => i);
}

function visible(tokens, hide, segment) {
  const indices = tokens.map((_, i) => i);
  return indices.filter((i) => !(hide && tokens[i].special) && (segment === null || tokens[i].segment === segment));
}

/** Whether a text is a pair. */
export const isPair = (tokens) => tokens.some(({ segment }) => segment > 0);

/** The weights of a query over `columns`; renormalised, they sum to 1. */
export function rowWeights(layer, head, row, { columns, renormalise }) {
  const weights = layer.weights.row(head, row);
  const shown = Float32Array.from(columns, (column) => weights[column]);
  const total = renormalise ? sum(shown) : 1;
  return total > 0 ? shown.map((value) => value / total) : shown;
}

/** The weights of `rows` on a key. */
export function columnWeights(layer, head, column, { rows, columns, renormalise }) {
  if (!renormalise) {
    const weights = layer.weights.column(head, column);
    return Float32Array.from(rows, (row) => weights[row]);
  }
  const position = columns.indexOf(column);
  return Float32Array.from(rows, (row) => rowWeights(layer, head, row, { columns, renormalise })[position]);
}

/** The mean weight of the chosen heads over `columns` for a query. */
export function meanWeights(layer, heads, row, view) {
  const mean = new Float32Array(view.columns.length);
  for (const head of heads) rowWeights(layer, head, row, view).forEach((value, i) => (mean[i] += value / heads.length));
  return mean;
}

/** The share of the weight of the shown queries that the shown keys have, over the chosen heads. */
export function shownShare({ layer, heads, rows, columns }) {
  let total = 0;
  for (const head of heads) for (const row of rows) total += sum(rowWeights(layer, head, row, { columns }));
  return rows.length ? total / (heads.length * rows.length) : 0;
}
