/** Two models on one text: answers, what changed by head, and the attention of both side by side. */

import { get, set } from "../address.mjs";
import { bounded, chosenAttention } from "../attention_data.mjs";
import { on, sequential } from "../colours.mjs";
import { Choice } from "../controls.mjs";
import { html, useRef } from "../html.mjs";
import { Legend } from "../heat_map.mjs";
import { AttentionLines } from "./attention_lines.mjs";
import { chosenToken } from "./attention_heads.mjs";

export function Comparison({ explanation, number }) {
  const comparison = explanation.comparison[number];
  const texts = explanation.models.map(({ texts }) => texts[number]);
  const [before, after] = comparison.answers;
  const names = comparison.heads.map(({ attention }) => attention);
  const change = comparison.heads[bounded(get("change", 0), names.length)];
  return html`<table class="answers"><caption class="off-screen">The answers of both models</caption>
      <thead><tr><th scope="col">Model</th><th scope="col">Answer</th></tr></thead>
      <tbody>${explanation.models.map(({ name }, i) => html`<tr><th scope="row"><bdi>${name}</bdi></th><td>
        <bdi>${comparison.answers[i]}</bdi></td></tr>`)}</tbody></table>
    <p class="readout">${before === after ? "The answer is the same." : "The answer changed."}</p>
    ${
      change &&
      html`<h3>Change by head</h3>
      <p class="hint">The mean total variation distance of the rows of weights, from 0 (equal) to 1.
        A click shows the head of both models below.</p>
      <div class="controls"><${Choice} label="Attention" names=${names} value=${names.indexOf(change.attention)}
        onChange=${(key) => set({ change: key })} /></div>
      <${Changes} change=${change} stack=${texts[0].attention.findIndex(({ name }) => name === change.attention)} />`
    }
    ${texts.every(({ attention }) => attention.length) && html`<${SideBySide} explanation=${explanation}
      texts=${texts} />`}`;
}

function Changes({ change, stack }) {
  const [layers, heads] = change.distance.shape;
  const colour = sequential();
  const grid = useRef(null);
  const chosen = [get("layer", 0), get("heads", [])[0] ?? -1];
  const open = (layer, head) => set({ stack, layer, heads: [head], masked: null });
  const at = chosen[0] < layers && chosen[1] >= 0 && chosen[1] < heads ? chosen : [0, 0];
  const move = (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [layer, head] = [at[0] + step[0], at[1] + step[1]];
    if (layer < 0 || layer >= layers || head < 0 || head >= heads) return;
    open(layer, head);
    grid.current.querySelector(`[data-cell="${layer}.${head}"]`).focus();
  };
  const button = (layer, head) => {
    const distance = change.distance.at(layer, head);
    const isAt = layer === at[0] && head === at[1];
    return html`<td><button type="button" class=${isAt ? "cell chosen" : "cell"} style=${on(colour(0.85 * distance))}
      tabindex=${isAt ? 0 : -1} data-cell="${layer}.${head}"
      aria-label="Layer ${layer}, head ${head}: ${distance.toFixed(2)}"
      onClick=${() => open(layer, head)}>${distance.toFixed(2)}</button></td>`;
  };
  const range = (count) => Array.from({ length: count }, (_, i) => i);
  return html`<div class="scroll"><table class="changes" ref=${grid} onKeyDown=${move}><caption
    class="off-screen">Change of each head</caption>
      <thead><tr><th scope="col">Layer</th>${range(heads).map((head) => html`<th scope="col">Head ${head}</th>`)}</tr>
        </thead>
      <tbody>${range(layers).map((layer) => html`<tr><th
        scope="row">${layer}</th>${range(heads).map((head) => button(layer, head))}</tr>`)}</tbody></table></div>
    <${Legend} colour=${(share) => colour(0.85 * share)} from="0" to="1" />`;
}

function SideBySide({ explanation, texts }) {
  const views = texts.map(chosenAttention);
  const [{ attention, layer, heads }] = views;
  const title = `${attention.name}, ${layer.name}, ${heads.length === 1 ? `head ${heads[0]}` : "all heads"}`;
  const names = explanation.models.map(({ name }) => [`Queries of ${name}`, `Keys of ${name}`]);
  return html`<h3>${title}</h3><div class="side-by-side">${views.map(
    (view, i) => html`<div><h4><bdi>${explanation.models[i].name}</bdi></h4>
      <${AttentionLines} view=${view} chosen=${chosenToken(view)}
        onChoose=${(token) => set({ token: token && `${token.side}${token.index}` })}
        onPoint=${() => {}} masked=${-1} names=${names[i]} /></div>`,
  )}</div>`;
}
