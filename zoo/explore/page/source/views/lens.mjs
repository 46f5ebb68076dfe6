/** The logit lens: what each layer would predict at each token, as a table of tokens x layers. */

import { get, set } from "../address.mjs";
import { on, sequential } from "../colours.mjs";
import { Select } from "../controls.mjs";
import { figure, label, percent } from "../figures.mjs";
import { Legend } from "../heat_map.mjs";
import { html, useRef } from "../html.mjs";
import { Candidates } from "./steps.mjs";

const COLOURS = {
  // name: [of a cell of the lens the share of the scale, the ends of the scale]
  probability: [({ probability }) => probability, ["0", "1"]],
  rank: [({ rank, worst }) => 1 - Math.log1p(rank) / Math.log1p(worst), ["worst rank", "rank 0"]],
  entropy: [({ entropy, highest }) => 1 - entropy / highest, ["highest entropy", "0 nats"]],
};

const WHOLE_TEXT = [{ text: "text", special: false }]; // of the label of a text

export function Lens({ text }) {
  const { lens } = text;
  const tokens = text.sequences[lens.sequence] ?? WHOLE_TEXT;
  const by = get("colour", "probability") in COLOURS ? get("colour", "probability") : "probability";
  const colour = sequential();
  const [share, ends] = COLOURS[by];
  const bounds = { worst: Math.max(1, ...lens.rank.values), highest: Math.max(1e-9, ...lens.entropy.values) };
  const cell = (layer, t) => ({
    candidate: lens.candidates[layer][t][0],
    probability: lens.candidates[layer][t][0]?.probability ?? 0,
    rank: lens.rank.at(layer, t),
    entropy: lens.entropy.at(layer, t),
    ...bounds,
  });
  const at = get("lens", []);
  const [layer, time] = [
    Math.min(at[0] ?? lens.layers.length - 1, lens.layers.length - 1),
    Math.min(at[1] ?? 0, tokens.length - 1),
  ];
  const current = cell(layer, time);
  return html`<div class="controls"><${Select} label="Colour by" options=${Object.keys(COLOURS)} value=${by}
    onChange=${(key) => set({ colour: key })} /></div>
    <p class="hint">A row for each token, a column for each layer: the likeliest token by the network's own head.</p>
    <div class="beside">
      <${Grid} lens=${lens} tokens=${tokens} cell=${cell} shade=${(item) => on(colour(0.8 * share(item)))}
        at=${[layer, time]} />
      <div class="aside" aria-live="polite">
        <h3>${lens.layers[layer]} at token ${time}, <bdi>${label(tokens[time])}</bdi></h3>
        <p class="readout">Rank of the last layer's first candidate: ${current.rank}.
          Entropy: ${figure(current.entropy)} nats.</p>
        <${Candidates} name="Candidates at ${lens.layers[layer]}, token ${time}"
          candidates=${lens.candidates[layer][time]} />
      </div>
    </div>
    <${Legend} colour=${(item) => colour(0.8 * item)} from=${ends[0]} to=${ends[1]} />`;
}

function Grid({ lens, tokens, cell, shade, at }) {
  const grid = useRef(null);
  const move = (event) => {
    const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = [at[0] + step[0], at[1] + step[1]];
    if (!(next[0] in lens.layers) || !(next[1] in tokens)) return;
    set({ lens: next });
    grid.current.querySelector(`[data-cell="${next.join(".")}"]`).focus();
  };
  const button = (layer, t) => {
    const item = cell(layer, t);
    const chosen = layer === at[0] && t === at[1];
    const name = item.candidate ? label(item.candidate) : "–";
    return html`<td><button type="button" class=${chosen ? "cell chosen" : "cell"} style=${shade(item)}
      tabindex=${chosen ? 0 : -1} data-cell="${layer}.${t}"
      aria-label="${name}, ${percent(item.probability)}, rank ${item.rank}, entropy ${figure(item.entropy)}"
      aria-pressed=${chosen ? "true" : "false"}
      onClick=${() => set({ lens: [layer, t] })}><bdi>${name}</bdi></button></td>`;
  };
  return html`<div class="scroll"><table class="lens" ref=${grid} onKeyDown=${move}>
    <caption class="off-screen">The likeliest token at each layer</caption>
    <thead><tr><th scope="col">Token</th>${lens.layers.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>${tokens.map((token, t) => html`<tr><th scope="row"><bdi>${label(token)}</bdi>
      </th>${lens.layers.map((_, layer) => button(layer, t))}</tr>`)}</tbody>
  </table></div>`;
}
