/** Why an answer: the contribution of each token to an output, or to the difference of two outputs. */

import { get, set } from "../address.mjs";
import { bounded } from "../attention_data.mjs";
import { diverging, on } from "../colours.mjs";
import { Choice, Select } from "../controls.mjs";
import { descending, figure, label, percent, sum } from "../figures.mjs";
import { Legend } from "../heat_map.mjs";
import { html } from "../html.mjs";
import { Bar, Table } from "../table.mjs";
import { Terms } from "./terms.mjs";

export function Attribution({ text }) {
  const { attribution, terms } = text;
  if (!attribution) return html`<${Terms} terms=${terms} names=${[]} />`;
  const { outputs, methods, groups, chosen } = attribution;
  const output = bounded(get("output", chosen[0] ?? 0), outputs.length);
  const rivals = outputs.map((name, i) => [i, name]).filter(([i]) => i !== output && groups[i] === groups[output]);
  const against = rivals.some(([i]) => i === get("against", -1)) ? get("against", -1) : -1;
  const number = bounded(get("method", 0), methods.length);
  const method = methods[number];
  const values = method ? contributions(method, output, against) : {};
  const names = outputs.map((name, i) => (chosen.includes(i) ? `${name} (the answer)` : name));
  return html`<div class="controls">
      <${Choice} label="Method" names=${methods.map(({ name }) => name)} value=${number}
        onChange=${(key) => set({ method: key })} />
      <${Select} label="Why" options=${names.map((name, i) => [i, name])} value=${output}
        onChange=${(key) => set({ output: Number(key), against: null })} />
      ${rivals.length > 0 && html`<${Select} label="and not" options=${[[-1, "–"], ...rivals]} value=${against}
        onChange=${(key) => set({ against: Number(key) })} />`}
    </div>
    ${
      method &&
      html`<${Contributions} text=${text} values=${values} />
    <${Totals} attribution=${attribution} method=${method} output=${output} against=${against} values=${values} />
    <${Ranking} text=${text} values=${values} />`
    }
    ${terms && html`<${Terms} terms=${terms} names=${outputs} output=${output} against=${against} />`}`;
}

/** {sequence: contribution of each token}: of an output, less that to another one where `against` is not -1. */
function contributions(method, output, against) {
  const entries = Object.entries(method.values).map(([sequence, array]) => {
    const values = array.row(output);
    return [sequence, against < 0 ? values : values.map((value, i) => value - array.at(against, i))];
  });
  return Object.fromEntries(entries);
}

const bound = (values) =>
  Math.max(
    1e-12,
    ...Object.values(values).map((items) => items.reduce((most, value) => Math.max(most, Math.abs(value)), 0)),
  );

function Contributions({ text, values }) {
  const colour = diverging();
  const most = bound(values);
  return html`${Object.entries(values).map(
    ([sequence, items]) => html`${Object.keys(values).length > 1 && html`<h3>${sequence}</h3>`}
        <ul class="pieces" dir="auto" aria-label="Contributions of the tokens of ${sequence}">
          ${text.sequences[sequence].map(
            (token, i) =>
              html`<li class="contribution"><span class="piece" style=${on(colour((0.8 * items[i]) / most))}>
                <bdi>${label(token)}</bdi></span><span class="number">${figure(items[i])}</span></li>`,
          )}
        </ul>`,
  )}
    <${Legend} colour=${colour} low=${-1} from="${figure(-most)} against" to="${figure(most)} for" />`;
}

/** The sum of the contributions beside the output, and the completeness gap. */
function Totals({ attribution, method, output, against, values }) {
  const total = sum(Object.values(values).map((items) => sum(items)));
  const logit = attribution.values.at(output) - (against < 0 ? 0 : attribution.values.at(against));
  const gaps = method.gap
    ? [output, ...(against < 0 ? [] : [against])].map(
        (i) => `${percent(method.gap.at(i))} for ${attribution.outputs[i]}`,
      )
    : [];
  return html`<p
    class="readout">Sum of the contributions ${figure(total)}; ${against < 0 ? "logit" : "difference of the logits"}
    ${" "}${figure(logit)}.
    ${gaps.length > 0 && ` Completeness gap: ${gaps.join(", ")}.`}</p>`;
}

function Ranking({ text, values }) {
  const rows = Object.entries(values).flatMap(([sequence, items]) =>
    Array.from(items, (value, i) => ({ sequence, i, value })),
  );
  const most = bound(values);
  const order = descending(rows.map(({ value }) => Math.abs(value))).map((i) => rows[i]);
  const several = Object.keys(values).length > 1;
  const columns = [
    { name: "Token", text: ({ sequence, i }) => label(text.sequences[sequence][i]) },
    ...(several ? [{ name: "Sequence", text: ({ sequence }) => sequence }] : []),
    { name: "Position", number: ({ i }) => i, text: ({ i }) => String(i) },
    {
      name: "Contribution",
      number: ({ value }) => value,
      text: ({ value }) =>
        html`<span class="share"><${Bar} signed share=${value / most} /><span>${figure(value)}</span></span>`,
    },
  ];
  return html`<h3>By size</h3><${Table} caption="Tokens by the size of their contribution" columns=${columns}
    rows=${order} limit=${15} />`;
}
