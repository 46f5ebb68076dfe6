/** Tables that are sorted by a click on a heading, with bars in their cells. */

import { figure } from "./figures.mjs";
import { html, useState } from "./html.mjs";

const LIMIT = 60; // rows that are shown at first

/**
 * Args:
 *   caption: for screen readers.
 *   columns: {name, text(row), number(row), bar(row)} each; with `number` it is sorted by it, `bar` is a share.
 *   rows: of any kind.
 *   order: [index of a column, whether it falls], or null: as they are.
 *   onChoose(row): makes the first cell a button; `chosen(row)` whether it is the chosen one.
 */
export function Table({ caption, columns, rows, order = null, onChoose, chosen = () => false, limit = LIMIT }) {
  const [sort, setSort] = useState(order);
  const [all, setAll] = useState(false);
  const sorted = sort ? [...rows].sort((a, b) => compare(columns[sort[0]], a, b) * (sort[1] ? -1 : 1)) : rows;
  const heading = (
    column,
    i,
  ) => html`<th scope="col" class=${column.number && i ? "number" : ""} aria-sort=${sortState(sort, i)}>
    <button type="button" class="sort"
      onClick=${() => setSort([i, sort?.[0] === i ? !sort[1] : Boolean(column.number)])}>
      ${column.name}<span aria-hidden="true">${sort?.[0] === i ? (sort[1] ? " ↓" : " ↑") : ""}</span>
    </button>
  </th>`;
  const shown = all ? sorted : sorted.slice(0, limit);
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
    <table>
      <caption class="off-screen">${caption}</caption>
      <thead><tr>${columns.map(heading)}</tr></thead>
      <tbody>
        ${shown.map((row) => html`<tr
          class=${chosen(row) ? "chosen" : ""}>${columns.map((column, i) => cell(column, row, i, onChoose))}</tr>`)}
      </tbody>
    </table>
    ${shown.length < sorted.length && html`<button type="button" class="quiet"
      onClick=${() => setAll(true)}>Show all ${sorted.length}</button>`}
  </div>`;
}

const sortState = (sort, i) => (sort?.[0] === i ? (sort[1] ? "descending" : "ascending") : null);

function compare(column, a, b) {
  if (column.number) return (column.number(a) ?? -Infinity) - (column.number(b) ?? -Infinity);
  return String(column.text(a)).localeCompare(String(column.text(b)));
}

function cell({ text, number, bar }, row, i, onChoose) {
  const content = text ? text(row) : figure(number(row));
  const value =
    onChoose && i === 0
      ? html`<button type="button" class="link" onClick=${() => onChoose(row)}>${content}</button>`
      : content;
  if (!bar) return html`<td class=${number && i ? "number" : ""}><bdi>${value}</bdi></td>`;
  return html`<td class="number"><span class="share"><${Bar} share=${bar(row)} /><span>${value}</span></span></td>`;
}

/** A bar for a share between 0 and 1, or of -1 to 1 from its middle; a screen reader reads the number beside it. */
export function Bar({ share, signed = false }) {
  const size = Math.min(1, Math.abs(share || 0));
  const width = `${(signed ? 50 : 100) * size}%`;
  const style = signed ? { width, marginInlineStart: share < 0 ? `${50 - 50 * size}%` : "50%" } : { width };
  return html`<span class=${signed ? "bar signed" : "bar"} aria-hidden="true"><span
    class=${share < 0 ? "negative" : ""} style=${style}></span></span>`;
}
