/** Statistics of each head: a table that can be sorted. */

import { get, set } from "../address.mjs";
import { figure } from "../figures.mjs";
import { html } from "../html.mjs";
import { Table } from "../table.mjs";

export const hasStatistics = ({ layers }) => Object.keys(layers[0].statistics).length > 0;

export function AttentionStatistics({ view }) {
  const { layers } = view.attention;
  const names = Object.keys(layers[0].statistics);
  const rows = layers.flatMap((layer, i) =>
    Array.from({ length: layer.weights.shape[0] }, (_, head) => ({ layer, i, head })),
  );
  const value = (name, { layer, head }) => layer.statistics[name].at(head);
  const columns = names.map((name) => {
    const largest = Math.max(...rows.map((row) => value(name, row)), 1e-9);
    return {
      name: name[0].toUpperCase() + name.slice(1),
      number: (row) => value(name, row),
      text: (row) => figure(value(name, row)),
      bar: (row) => value(name, row) / largest,
    };
  });
  const head = {
    name: "Head",
    number: (row) => row.i * 1000 + row.head,
    text: ({ layer, head }) => `${layer.name}, head ${head}`,
  };
  const open = ({ i, head }) => set({ layer: i, heads: [head], mode: "lines" });
  const chosen = ({ i, head }) => i === get("layer", 0) && get("heads", []).includes(head);
  return html`<p
    class="hint">A click on a heading sorts, a click on a head opens it.
      Bars are relative to the largest of their column.</p>
    <${Table} caption="Statistics of each head" columns=${[head, ...columns]} rows=${rows} onChoose=${open}
      chosen=${chosen} limit=${150} />`;
}
