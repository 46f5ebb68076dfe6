/** The attention of a text: which stack, layer and heads are shown, of which tokens, and how. */

import { get, set } from "../address.mjs";
import { chosenAttention, isPair, shownShare } from "../attention_data.mjs";
import { headColour } from "../colours.mjs";
import { Check, Choice, Select, Tabs, Toggles } from "../controls.mjs";
import { label, percent } from "../figures.mjs";
import { html, useMemo } from "../html.mjs";
import { AttentionHeads } from "./attention_heads.mjs";
import { AttentionMatrix } from "./attention_matrix.mjs";
import { AttentionNeurons } from "./attention_neurons.mjs";
import { AttentionOverview } from "./attention_overview.mjs";
import { AttentionStatistics, hasStatistics } from "./attention_statistics.mjs";

const MODES = {
  lines: ["Lines", AttentionHeads, () => true],
  matrix: ["Matrix", AttentionMatrix, () => true],
  overview: [
    "All heads",
    AttentionOverview,
    ({ attention }) => attention.layers.length * attention.layers[0].weights.shape[0] > 1,
  ],
  numbers: [
    "Numbers",
    AttentionNeurons,
    ({ attention }) => attention.layers.some(({ query, score }) => query !== null || score !== null),
  ],
  statistics: ["Statistics", AttentionStatistics, ({ attention }) => hasStatistics(attention)],
};
const SEGMENTS = [
  ["all", "Both texts"],
  ["0-0", "First → first"],
  ["0-1", "First → second"],
  ["1-0", "Second → first"],
  ["1-1", "Second → second"],
];

export function Attention({ text }) {
  const view = chosenAttention(text);
  const modes = Object.entries(MODES).filter(([, [, , suits]]) => suits(view));
  const mode = modes.some(([key]) => key === get("mode", "lines")) ? get("mode", "lines") : "lines";
  const Mode = MODES[mode][1];
  const step = view.layer.weights.scale;
  const whole = mode === "overview" || mode === "statistics"; // of all layers and heads
  return html`<${Tabs} small label="Attention as" panel="mode-panel" value=${mode}
      tabs=${modes.map(([key, [name]]) => [key, name])} onChange=${(key) => set({ mode: key })} />
    <div class="controls">
      <${Choice} label="Attention" names=${text.attention.map(({ name }) => name)} value=${view.number}
        onChange=${(stack) => set({ stack, layer: 0, heads: null, token: null, masked: null })} />
      ${!whole && html`<${Choice} label="Layer" names=${view.attention.layers.map(({ name }) => name)}
        value=${view.layerNumber} onChange=${(layer) => set({ layer })} />`}
      ${isPair(view.keys) && !whole && html`<${Select} label="Texts" options=${SEGMENTS}
        value=${get("segments", "all")} onChange=${(segments) => set({ segments })} />`}
      ${!whole && html`<${Heads} view=${view} single=${mode === "numbers"} />`}
    </div>
    ${!whole && html`<${Hiding} view=${view} />`}
    ${view.variant && html`<${VariantLine} text=${text} variant=${view.variant} />`}
    <div id="mode-panel" role="tabpanel" aria-labelledby="tab-${mode}"><${Mode} text=${text} view=${view} /></div>
    ${step < 1 && html`<p
      class="hint">The weights are many: each is rounded to a multiple of 1/${Math.round(1 / step)}.</p>`}`;
}

/** The heads of the layer: any mix of them, or one. */
function Heads({ view, single }) {
  const count = view.layer.weights.shape[0];
  if (count === 1) return null;
  const chosen = single ? view.heads.slice(0, 1) : view.heads;
  const all = Array.from({ length: count }, (_, i) => i);
  const toggle = (head) => {
    if (single || chosen.length === count) return set({ heads: [head] });
    const heads = all.filter((i) => (i === head ? !chosen.includes(i) : chosen.includes(i)));
    set({ heads: heads.length && heads.length < count ? heads : null });
  };
  const items = all.map((head) => ({
    text: String(head),
    name: `Head ${head}`,
    on: chosen.includes(head),
    colour: headColour(head),
  }));
  return html`<${Toggles} label=${single ? "Head" : "Heads"} items=${items} onToggle=${toggle}>
    ${!single && html`<button type="button" class="quiet" disabled=${chosen.length === count}
      onClick=${() => set({ heads: null })}>All</button>`}
  </${Toggles}>`;
}

/** Whether special tokens are hidden, and what the numbers are then. */
function Hiding({ view }) {
  const hasSpecial = [...view.queries, ...view.keys].some(({ special }) => special);
  const hidden = view.columns.length < view.keys.length;
  const parts = [view.layer, view.heads.join(), view.rows.join(), view.columns.join()];
  const share = useMemo(() => (hidden ? shownShare(view) : 1), parts);
  return html`<div class="checks">
    ${hasSpecial && html`<${Check} label="Hide special tokens" checked=${get("hide", false)}
      onChange=${(hide) => set({ hide })} />`}
    ${hidden && html`<${Check} label="Renormalise the rest" checked=${view.renormalise}
      onChange=${(renormalise) => set({ renormalise })} />`}
    ${hidden && html`<p class="hint">${sentence(view, share)}</p>`}
  </div>`;
}

function sentence({ renormalise }, share) {
  return renormalise
    ? `Weights are divided by their sum over the keys shown, which have ${percent(share)} of the weight.`
    : `Weights are as they are: the keys shown have ${percent(share)} of the weight.`;
}

function VariantLine({ text, variant }) {
  const token = text.sequences[variant.sequence][variant.position];
  return html`<p class="note">
    With token ${variant.position}, <q><bdi>${label(token)}</bdi></q>, masked the answer is <strong>
      <bdi>${variant.answer}</bdi></strong>;
    else it is <strong><bdi>${text.answer}</bdi></strong>. The attention below is that of the masked text. ${" "}
    <button type="button" class="quiet" onClick=${() => set({ masked: null })}>Unmask</button>
  </p>`;
}
