/** The formula of attention with its numbers: query, key and product by dimension, score, mask, weight. */

import { set } from "../address.mjs";
import { cellImage, useCanvas } from "../canvas.mjs";
import { diverging } from "../colours.mjs";
import { figure, label, weight } from "../figures.mjs";
import { html, useMemo } from "../html.mjs";
import { Bar } from "../table.mjs";
import { TokenList } from "../token_list.mjs";
import { chosenToken } from "./attention_heads.mjs";

const LIMIT = 64; // keys that have a row; a longer text shows those of the largest weights

export function AttentionNeurons({ view }) {
  const [head] = view.heads;
  const token = chosenToken(view);
  const row = token?.side === "query" && view.rows.includes(token.index) ? token.index : (view.rows[0] ?? 0);
  const steps = useMemo(() => stepsOf(view.layer, head, row), [view.layer, head, row]);
  const keys = useMemo(() => shownKeys(view.columns, steps), [steps, view.columns.join()]);
  const choose = (index) => set({ token: index < 0 ? null : `query${index}` });
  return html`<div class="neurons">
    <div class="narrow-list"><h3>Query</h3><${TokenList} name="Queries" tokens=${view.queries} indices=${view.rows}
      chosen=${row} onChoose=${choose} /></div>
    <div>
      ${steps.scores ? html`<${Formula} view=${view} steps=${steps} row=${row} />` : html`<p
        class="hint">The queries and keys of this layer were left out.</p>`}
      <${Steps} view=${view} steps=${steps} keys=${keys} head=${head} row=${row} />
    </div>
  </div>`;
}

/** The keys that have a row, in the order of the text. */
function shownKeys(columns, { weights }) {
  if (columns.length <= LIMIT) return columns;
  const largest = [...columns].sort((a, b) => weights[b] - weights[a]).slice(0, LIMIT);
  return largest.sort((a, b) => a - b);
}

/** The steps from vectors to weights for a query: arrays over the keys; null where the attention has none. */
function stepsOf(layer, head, row) {
  const weights = layer.weights.row(head, row);
  const visible = layer.mask ? layer.mask.row(row) : weights.map(() => 1);
  const bias = layer.bias?.row(head, row) ?? null;
  if (!layer.query)
    return { weights, visible, bias, query: null, dots: null, scores: layer.score?.row(head, row) ?? null };
  const query = layer.query.row(head, row);
  const keys = Array.from(weights, (_, key) => layer.key.row(head, key));
  const dots = keys.map((key) => key.reduce((total, value, i) => total + value * query[i], 0));
  const scores = dots.map((dot, key) => dot * layer.scale + (bias ? bias[key] : 0));
  return { weights, visible, bias, query, keys, dots, scores };
}

/** The formula with its numbers for the key of the largest weight. */
function Formula({ view, steps, row }) {
  const best = steps.weights.indexOf(Math.max(...steps.weights));
  const total = logSum(steps.scores.filter((_, key) => steps.visible[key]));
  const score = steps.scores[best];
  const bias = steps.bias ? [" + bias", ` + ${figure(steps.bias[best])}`] : ["", ""];
  const name = `score(${label(view.queries[row])}, ${label(view.keys[best])})`;
  const product = steps.query ? `${figure(steps.dots[best])} × ${figure(view.layer.scale)}${bias[1]} = ` : "";
  return html`<p class="formula">weight = softmax(score), over the keys that the mask leaves visible;
      ${" "}${steps.query && `score = query · key × scale${bias[0]}`}</p>
    <p class="formula">${name} = ${product}${figure(score)}; the logarithm of the sum of exp(score) = ${figure(total)}</p>
    <p class="formula">weight = exp(${figure(score)} − ${figure(total)}) = ${weight(Math.exp(score - total))}
      ${" "}(captured: ${weight(steps.weights[best])})</p>`;
}

function logSum(scores) {
  const most = Math.max(...scores);
  return most + Math.log(scores.reduce((total, score) => total + Math.exp(score - most), 0));
}

function Steps({ view, steps, keys, head, row }) {
  const bound = steps.query ? largest([steps.query, ...keys.map((key) => steps.keys[key])]) : 1;
  const products = steps.query && keys.map((key) => steps.keys[key].map((value, i) => value * steps.query[i]));
  const productBound = products ? largest(products) : 1;
  const columns = [
    ...(steps.query ? ["Key, by dimension", "Query × key, by dimension", "Query · key"] : []),
    ...(steps.bias ? ["Bias"] : []),
    ...["Score", "Mask", "Weight"],
  ];
  const caption = `From the query ${label(view.queries[row])} of head ${head} to its weights`;
  const query = html`<p class="strip-line"><span>Query <bdi>${label(view.queries[row])}</bdi></span>
    <${Strip} values=${steps.query} bound=${bound} />
    <span class="hint">${steps.query?.length} dimensions: orange is above 0, blue below</span></p>`;
  return html`${steps.query && query}
    ${keys.length < view.columns.length && html`<p
      class="hint">The ${keys.length} keys of the largest weights, of ${view.columns.length}.</p>`}
    <div class="scroll" tabindex="0" role="region" aria-label=${caption}><table class="steps">
      <caption class="off-screen">${caption}</caption>
      <thead><tr><th scope="col">Token</th>${columns.map((name) => html`<th scope="col"
        class=${name.endsWith("by dimension") ? "" : "number"}>${name}</th>`)}</tr></thead>
      <tbody>${keys.map(
        (key, i) => html`<tr class=${steps.visible[key] ? "" : "hidden-key"}>
          <th scope="row"><bdi>${label(view.keys[key])}</bdi></th>
          ${steps.query && html`<td><${Strip} values=${steps.keys[key]} bound=${bound} /></td><td><${Strip}
            values=${products[i]} bound=${productBound} /></td><td class="number">${figure(steps.dots[key])}</td>`}
          ${steps.bias && html`<td class="number">${figure(steps.bias[key])}</td>`}
          <td class="number">${steps.scores ? figure(steps.scores[key]) : "–"}</td>
          <td class="number">${steps.visible[key] ? "visible" : "hidden"}</td>
          <td class="number"><span class="share"><${Bar} share=${steps.weights[key]} />
            <span>${weight(steps.weights[key])}</span></span></td>
        </tr>`,
      )}</tbody>
    </table></div>`;
}

const largest = (rows) =>
  Math.max(1e-9, ...rows.map((row) => row.reduce((most, value) => Math.max(most, Math.abs(value)), 0)));

/** A vector as a strip of cells. */
function Strip({ values, bound }) {
  const colour = diverging();
  const canvas = useCanvas((context, width, height) => {
    context.imageSmoothingEnabled = false;
    context.drawImage(
      cellImage(1, values.length, (_, i) => colour(values[i] / bound)),
      0,
      0,
      width,
      height,
    );
  });
  return html`<canvas ref=${canvas} class="strip" aria-hidden="true"></canvas>`;
}
