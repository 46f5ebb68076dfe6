/** The head view: lines between tokens, and the numbers of the chosen token in a table. */

import { get, set } from "../address.mjs";
import { columnWeights, meanWeights, rowWeights } from "../attention_data.mjs";
import { headColour } from "../colours.mjs";
import { descending, label, weight } from "../figures.mjs";
import { html, useRef } from "../html.mjs";
import { Table } from "../table.mjs";
import { AttentionLines } from "./attention_lines.mjs";

const COLUMNS = 6; // heads that have a column each

/** The chosen token of the address: `{side, index}`, or null. */
export function chosenToken(view) {
  const [, side, index] = get("token", "").match(/^(query|key)([0-9]+)$/) ?? [];
  const tokens = side === "query" ? view.queries : view.keys;
  return side && Number(index) < tokens.length ? { side, index: Number(index) } : null;
}

export function AttentionHeads({ text, view }) {
  const chosen = chosenToken(view);
  const readout = useRef(null);
  const point = (token) => {
    readout.current.textContent = sentence(view, token ?? chosen);
  };
  const choose = (token) => set({ token: token && `${token.side}${token.index}` });
  const masked = view.variant?.sequence === view.attention.keys ? view.variant.position : -1;
  return html`<div class="beside">
    <div>
      <div class="sides" aria-hidden="true"><span>Queries: ${view.attention.queries}</span>
        <span>Keys: ${view.attention.keys}</span></div>
      <${AttentionLines} view=${view} chosen=${chosen} onChoose=${choose} onPoint=${point} masked=${masked}
        names=${[`Queries, tokens of ${view.attention.queries}`, `Keys, tokens of ${view.attention.keys}`]} />
    </div>
    <div class="aside">
      <p ref=${readout} class="readout" aria-live="polite">${sentence(view, chosen)}</p>
      <${MaskButton} text=${text} view=${view} chosen=${chosen} />
      ${chosen && html`<${Weights} view=${view} chosen=${chosen} />`}
    </div>
  </div>`;
}

/** What a token attends to, or what attends to it. */
function sentence(view, token) {
  if (!token) return "Point at a token, or choose one with a click or the arrow keys: its lines and numbers are shown.";
  const { tokens, weights, indices } = ends(view, token);
  const strongest = descending(weights)
    .slice(0, 3)
    .filter((i) => weights[i] > 0);
  const list = strongest.map((i) => `${label(tokens[indices[i]])} ${weight(weights[i])}`).join(", ");
  const name = label((token.side === "query" ? view.queries : view.keys)[token.index]);
  const mean = view.heads.length > 1 ? `, mean of ${view.heads.length} heads` : "";
  return token.side === "query"
    ? `${name} attends most to: ${list || "nothing shown"}${mean}.`
    : `Most on ${name}: ${list || "nothing shown"}${mean}.`;
}

/** The tokens at the other end of a token's lines, and the mean weights. */
function ends(view, { side, index }) {
  if (side === "query")
    return { tokens: view.keys, indices: view.columns, weights: meanWeights(view.layer, view.heads, index, view) };
  const weights = new Float32Array(view.rows.length);
  for (const head of view.heads)
    columnWeights(view.layer, head, index, view).forEach((value, i) => (weights[i] += value / view.heads.length));
  return { tokens: view.queries, indices: view.rows, weights };
}

function Weights({ view, chosen }) {
  const { tokens, indices, weights } = ends(view, chosen);
  const { layer } = view;
  const line = (head) =>
    chosen.side === "query"
      ? rowWeights(layer, head, chosen.index, view)
      : columnWeights(layer, head, chosen.index, view);
  const heads = view.heads.slice(0, COLUMNS).map((head) => ({ head, weights: line(head) }));
  const columns = [
    { name: chosen.side === "query" ? "Key" : "Query", text: (i) => label(tokens[indices[i]]) },
    {
      name: heads.length > 1 ? "Mean" : "Weight",
      number: (i) => weights[i],
      text: (i) => weight(weights[i]),
      bar: (i) => weights[i],
    },
  ];
  if (heads.length > 1 && heads.length === view.heads.length) {
    const column = ({ head, weights: own }) => ({
      name: html`<span class="swatch" aria-hidden="true" style=${{ background: headColour(head) }}></span>Head ${head}`,
      number: (i) => own[i],
      text: (i) => weight(own[i]),
    });
    columns.push(...heads.map(column));
  }
  const title =
    chosen.side === "query"
      ? `Weights of ${label(view.queries[chosen.index])}`
      : `Weights on ${label(view.keys[chosen.index])}`;
  return html`<h3>${title}</h3>
    <${Table} caption=${title} columns=${columns} rows=${descending(weights)} limit=${12} />`;
}

/** A button that masks the chosen token, where that was computed. */
function MaskButton({ text, view, chosen }) {
  if (!text.variants.length) return null;
  const sequence = chosen && (chosen.side === "query" ? view.attention.queries : view.attention.keys);
  const variant = chosen && text.variants.find((item) => item.sequence === sequence && item.position === chosen.index);
  const name = chosen && label((chosen.side === "query" ? view.queries : view.keys)[chosen.index]);
  if (!variant)
    return html`<p
      class="hint">${chosen ? `No variant with ${name} masked was computed.` : "Choose a token to mask it."}</p>`;
  return html`<p><button type="button" class="quiet"
    onClick=${() => set({ masked: `${variant.sequence}:${variant.position}` })}>Mask <bdi>${name}</bdi></button></p>`;
}
