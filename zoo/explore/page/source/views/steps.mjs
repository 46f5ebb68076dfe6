/** The steps of a generation: the token of each, its probability, the entropy, and what else was likely. */

import { get, set } from "../address.mjs";
import { bounded } from "../attention_data.mjs";
import { figure, label, percent } from "../figures.mjs";
import { html } from "../html.mjs";
import { Table } from "../table.mjs";

export function Steps({ text }) {
  const { steps } = text;
  const number = bounded(get("step", 0), steps.length);
  const highest = Math.max(1e-9, ...steps.map(({ entropy }) => entropy));
  const rows = steps.map((step, i) => ({ ...step, i }));
  const columns = [
    { name: "Step", number: ({ i }) => i, text: ({ i }) => String(i + 1) },
    { name: "Token", text: (step) => label(step) },
    {
      name: "Probability",
      number: ({ probability }) => probability,
      text: ({ probability }) => percent(probability),
      bar: ({ probability }) => probability,
    },
    { name: "Entropy, nats", number: ({ entropy }) => entropy, bar: ({ entropy }) => entropy / highest },
    {
      name: "Instead",
      text: ({ candidates, text: own }) =>
        candidates
          .filter((item) => item.text !== own)
          .slice(0, 3)
          .map((item) => `${label(item)} ${percent(item.probability)}`)
          .join(", "),
    },
  ];
  return html`<div class="beside">
    <${Table} caption="Steps of the generation" columns=${columns} rows=${rows}
      onChoose=${({ i }) => set({ step: i })} chosen=${({ i }) => i === number} limit=${100} />
    <div class="aside" aria-live="polite"><h3>Step ${number + 1}: <bdi>${label(steps[number])}</bdi></h3>
      <${Candidates} name="Candidates of step ${number + 1}" candidates=${steps[number].candidates} /></div>
  </div>`;
}

/** Candidates with their probabilities. */
export function Candidates({ name, candidates }) {
  const columns = [
    { name: "Candidate", text: (item) => label(item) },
    {
      name: "Probability",
      number: ({ probability }) => probability,
      text: ({ probability }) => percent(probability),
      bar: ({ probability }) => probability,
    },
  ];
  return html`<${Table} caption=${name} columns=${columns} rows=${candidates} />`;
}
