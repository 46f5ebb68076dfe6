/** Convolutions: the n-gram that the maximum of each filter came from. */

import { get, set } from "../address.mjs";
import { on, sequential } from "../colours.mjs";
import { Choice } from "../controls.mjs";
import { counted, figure, label } from "../figures.mjs";
import { html } from "../html.mjs";
import { Table } from "../table.mjs";

export function Filters({ text }) {
  const number = Math.min(get("convolution", 0), text.filters.length);
  const chosen = number ? [text.filters[number - 1]] : text.filters;
  const rows = chosen.flatMap((layer) =>
    Array.from({ length: layer.value.size }, (_, filter) => ({ layer, filter, number: text.filters.indexOf(layer) })),
  );
  const value = ({ layer, filter }) => layer.value.at(filter);
  const most = Math.max(1e-9, ...rows.map(value));
  const at = get("filter", []);
  const selected = rows.find((row) => row.number === at[0] && row.filter === at[1]) ?? null;
  const columns = [
    {
      name: "Filter",
      text: ({ layer, filter }) => `${layer.name}, ${filter}`,
      number: (row) => row.number * 10_000 + row.filter,
    },
    { name: "N-gram", text: (row) => ngram(text, row) },
    { name: "Maximum", number: value, text: (row) => figure(value(row)), bar: (row) => value(row) / most },
  ];
  const sentence = selected
    ? `Filter ${selected.filter} of ${selected.layer.name}: ${ngram(text, selected)}, ${figure(value(selected))}`
    : `${counted(rows.length, "filter")}: a token is the darker, or in the dark the brighter, the more of them chose it.`;
  const choose = (row) => set({ filter: row === selected ? null : [row.number, row.filter] });
  return html`<div class="controls"><${Choice} label="Convolution"
    names=${["all", ...text.filters.map(({ name }) => name)]} value=${number}
      onChange=${(convolution) => set({ convolution, filter: null })} /></div>
    ${[...new Set(chosen.map(({ sequence }) => sequence))].map((sequence) => html`<${Marked} text=${text}
      sequence=${sequence} rows=${selected ? [selected] : rows} />`)}
    <p class="readout" aria-live="polite">${sentence}</p>
    <${Table} caption="Filters by their maximum" columns=${columns} rows=${rows} order=${[2, true]}
      onChoose=${choose} chosen=${(row) => row === selected} />`;
}

/** The tokens of a filter's n-gram; padding is named. */
function ngram(text, { layer, filter }) {
  const tokens = text.sequences[layer.sequence];
  const start = layer.start.at(filter);
  const words = Array.from({ length: layer.width }, (_, i) =>
    tokens[start + i] ? label(tokens[start + i]) : "[padding]",
  );
  return words.join(" ");
}

/** The text, each token coloured by the number of n-grams in which it is. */
function Marked({ text, sequence, rows }) {
  const tokens = text.sequences[sequence];
  const has = ({ layer, filter }, i) => {
    const start = layer.start.at(filter);
    return layer.sequence === sequence && i >= start && i < start + layer.width;
  };
  const counts = tokens.map((_, i) => rows.filter((row) => has(row, i)).length);
  const colour = sequential();
  const most = Math.max(1, ...counts);
  const style = (count) => (count ? on(colour((0.75 * count) / most)) : {});
  const piece = (token, i) =>
    html`<span class="piece" title=${counted(counts[i], "filter")} style=${style(counts[i])}>${token.text}</span>${" "}`;
  return html`<p class="text" dir="auto">${tokens.map(piece)}</p>`;
}
