/** The attention of one layer as a matrix of queries x keys, the mean over the chosen heads. */

import { get, set } from "../address.mjs";
import { meanWeights } from "../attention_data.mjs";
import { sequential } from "../colours.mjs";
import { label, weight } from "../figures.mjs";
import { HeatMap, Legend } from "../heat_map.mjs";
import { html, useMemo } from "../html.mjs";

const SPACE = 760; // pixels that a matrix takes at most, unless it has more tokens

/** The side of a cell, in pixels. */
const cellSize = (count) => Math.max(2, Math.min(24, Math.floor(SPACE / count)));

export function AttentionMatrix({ view }) {
  const cells = [view.layer, view.heads.join(), view.rows.join(), view.columns.join(), view.renormalise];
  const weights = useMemo(() => view.rows.map((row) => meanWeights(view.layer, view.heads, row, view)), cells);
  const colour = sequential();
  const size = cellSize(Math.max(view.rows.length, view.columns.length));
  const at = get("cell", []);
  const cursor = at.length === 2 && at[0] < view.rows.length && at[1] < view.columns.length ? at : null;
  const move = (row, column) => set({ cell: [row, column] });
  const heads = view.heads.length === 1 ? `head ${view.heads[0]}` : `mean of ${view.heads.length} heads`;
  const names = [view.rows.map((i) => label(view.queries[i])), view.columns.map((i) => label(view.keys[i]))];
  const describe = (row, column) =>
    `${names[0][row]} → ${names[1][column]}: ${weight(weights[row][column])} (${heads})`;
  return html`<${HeatMap} name="Attention weights of ${view.layer.name}, ${heads}: queries in rows, keys in columns"
      rows=${names[0]} columns=${names[1]}
      colour=${(row, column) => colour(Math.sqrt(weights[row][column]))} cells=${cells}
      describe=${describe} cursor=${cursor} onMove=${move} cell=${[size, size]} />
    <${Legend} colour=${(share) => colour(Math.sqrt(share))} from="0" to="1" />`;
}
