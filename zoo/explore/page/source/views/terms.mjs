/** The terms of a text that weigh in an MLP on counts or TF-IDF. */

import { descending, figure } from "../figures.mjs";
import { html } from "../html.mjs";
import { Bar, Table } from "../table.mjs";

/** `names` are those of the outputs; the contribution is to `output`, less that to `against` where it is not -1. */
export function Terms({ terms, names, output = 0, against = -1 }) {
  const of = (i) => terms.contribution.at(output, i) - (against < 0 ? 0 : terms.contribution.at(against, i));
  const values = terms.terms.map((_, i) => of(i));
  const most = Math.max(1e-12, ...values.map(Math.abs));
  const rows = descending(values.map(Math.abs));
  const rival = against < 0 ? "" : ` and not ${names[against]}`;
  const title = `Terms that weigh for ${names[output] ?? `output ${output}`}${rival}`;
  const columns = [
    { name: "Term", text: (i) => terms.terms[i] },
    { name: "Feature", number: (i) => terms.value.at(i) },
    {
      name: "Contribution",
      number: (i) => values[i],
      text: (i) =>
        html`<span class="share"><${Bar} signed share=${values[i] / most} /><span>${figure(values[i])}</span></span>`,
    },
  ];
  return html`<h3>${title}</h3><${Table} caption=${title} columns=${columns} rows=${rows} limit=${30} />`;
}
