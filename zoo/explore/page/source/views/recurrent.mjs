/** Recurrent layers: states and gates over the tokens as a heat map, and the gradient of the loss by each state. */

import { get, set } from "../address.mjs";
import { bounded } from "../attention_data.mjs";
import { useCanvas } from "../canvas.mjs";
import { css, diverging, sequential } from "../colours.mjs";
import { Choice, Select } from "../controls.mjs";
import { descending, figure, label } from "../figures.mjs";
import { HeatMap, labelWidth, Legend } from "../heat_map.mjs";
import { html, useMemo } from "../html.mjs";
import { Table } from "../table.mjs";

const WIDTH = 900; // pixels for all tokens, unless cells would be too narrow
const HEIGHT = 380; // for all units

export function Recurrent({ text }) {
  const number = bounded(get("recurrent", 0), text.recurrent.length);
  const layer = text.recurrent[number];
  const arrays = arraysOf(layer);
  const name = get("array", "state h") in arrays ? get("array", "state h") : Object.keys(arrays)[0];
  const tokens = text.sequences[layer.sequence];
  return html`<div class="controls">
      <${Choice} label="Layer" names=${text.recurrent.map((item) => item.name)} value=${number}
        onChange=${(recurrent) => set({ recurrent })} />
      <${Select} label="Shown" options=${Object.keys(arrays)} value=${name} onChange=${(array) => set({ array })} />
    </div>
    <p class="hint">Tokens from left to right, units from top to bottom.
      ${layer.reverse && " The layer reads from the end: time runs from right to left."}</p>
    <${States} name="${layer.name}, ${name}" array=${arrays[name]} tokens=${tokens} isGate=${name.startsWith("gate")} />
    ${Object.entries(layer.gradient).map(([key, array]) => html`<${GradientNorm} key=${key} name=${key}
      array=${array} tokens=${tokens} />`)}`;
}

function arraysOf({ states, gates }) {
  const named = (kind, arrays) => Object.entries(arrays).map(([key, array]) => [`${kind} ${key}`, array]);
  return Object.fromEntries([...named("state", states), ...named("gate", gates)]);
}

const cellHeight = (units) => Math.max(2, Math.min(16, Math.floor(HEIGHT / units)));

const cellWidth = (count) => Math.max(3, Math.min(34, Math.floor(WIDTH / count)));

function States({ name, array, tokens, isGate }) {
  const [time, units] = array.shape;
  const bound = useMemo(
    () =>
      isGate
        ? 1
        : Math.max(
            1e-9,
            array.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
          ),
    [array],
  );
  const shades = isGate ? sequential() : diverging();
  const at = get("unit", []);
  const cursor = at.length === 2 && at[0] < units && at[1] < time ? at : null;
  const cell = [cellWidth(time), cellHeight(units)];
  const describe = (unit, t) => `Token ${t}, ${label(tokens[t])}, unit ${unit}: ${figure(array.at(t, unit))}`;
  return html`<${HeatMap} name=${name} rows=${Array.from({ length: units }, (_, i) => `unit ${i}`)}
    columns=${tokens.map(label)}
      colour=${(unit, t) => shades(array.at(t, unit) / bound)} cells=${[array]} describe=${describe} cursor=${cursor}
      onMove=${(unit, t) => set({ unit: [unit, t] })} cell=${cell} />
    <${Legend} colour=${shades} low=${isGate ? 0 : -1} from=${isGate ? "0" : figure(-bound)} to=${figure(bound)} />
    ${cursor && html`<${Units} array=${array} token=${tokens[cursor[1]]} time=${cursor[1]} />`}`;
}

/** The units of a token by size. */
function Units({ array, token, time }) {
  const values = array.row(time);
  const order = descending(values.map(Math.abs));
  const columns = [
    { name: "Unit", number: (unit) => unit, text: (unit) => String(unit) },
    { name: "Value", number: (unit) => values[unit], text: (unit) => figure(values[unit]) },
  ];
  return html`<details><summary>Units at <bdi>${label(token)}</bdi> in numbers</summary>
    <${Table} caption="Units at ${label(token)}, the largest first" columns=${columns} rows=${order} limit=${12} />
      </details>`;
}

/** The norm of the gradient by the state after each token, on a logarithmic scale. */
function GradientNorm({ name, array, tokens }) {
  const norms = useMemo(() => tokens.map((_, t) => Math.hypot(...array.row(t))), [array]);
  const positive = norms.filter((norm) => norm > 0);
  const [low, high] = [Math.log10(Math.min(...positive, 1)), Math.log10(Math.max(...positive, 1e-12))];
  const rise = (norm) => (norm > 0 ? 0.06 + (0.94 * (Math.log10(norm) - low)) / (high - low || 1) : 0);
  const cell = cellWidth(tokens.length);
  const left = labelWidth(cellHeight(array.shape[1]));
  const canvas = useCanvas((context, width, height) => {
    context.fillStyle = css(sequential()(0.62));
    norms.forEach((norm, t) =>
      context.fillRect(left + t * cell + 1, height * (1 - rise(norm)), Math.max(1, cell - 2), height * rise(norm)),
    );
  });
  const columns = [
    { name: "Token", text: (t) => `${t}: ${label(tokens[t])}` },
    { name: "Norm of the gradient", number: (t) => norms[t], bar: (t) => rise(norms[t]) },
  ];
  const range = `${figure(Math.min(...norms))} to ${figure(Math.max(...norms))}`;
  return html`<h3>Gradient of the loss by state ${name}</h3>
    <p class="hint">The norm at each token, ${range}; heights are logarithmic.</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Norm of the gradient by state ${name}"><canvas
      ref=${canvas} aria-hidden="true" style=${{ width: `${left + cell * tokens.length}px`, height: "84px" }}>
      </canvas></div>
    <details><summary>Norms in numbers</summary><${Table} caption="Norm of the gradient by state ${name}"
      columns=${columns} rows=${tokens.map((_, t) => t)} /></details>`;
}
