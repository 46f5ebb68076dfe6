/** The tokens of a corpus that are nearest to a token of the text, with their contexts and tags. */

import { get, set } from "../address.mjs";
import { bounded } from "../attention_data.mjs";
import { Choice } from "../controls.mjs";
import { figure, label, percent } from "../figures.mjs";
import { html } from "../html.mjs";
import { Bar, Table } from "../table.mjs";
import { TokenList } from "../token_list.mjs";

const nameOf = ({ layer, head }) => (head === null ? layer : `${layer}, head ${head}`);

export function Search({ text }) {
  const number = bounded(get("search", 0), text.search.length);
  const search = text.search[number];
  const tokens = text.sequences[search.sequence];
  const chosen = bounded(get("near", 0), tokens.length);
  return html`<div class="controls"><${Choice} label="Nearest by" names=${text.search.map(nameOf)} value=${number}
    onChange=${(key) => set({ search: key })} /></div>
    <div class="neurons">
      <div class="narrow-list"><h3>Token</h3><${TokenList} name="Tokens" tokens=${tokens}
        indices=${tokens.map((_, i) => i)} chosen=${chosen} onChoose=${(near) => near >= 0 && set({ near })} /></div>
      <div aria-live="polite">
        <h3>Nearest to <bdi>${label(tokens[chosen])}</bdi> by the cosine at ${nameOf(search)}</h3>
        <${Neighbours} neighbours=${search.neighbours[chosen] ?? []} />
        <${Summary} summary=${search.summary[chosen] ?? {}} />
      </div>
    </div>`;
}

function Neighbours({ neighbours }) {
  const tags = [...new Set(neighbours.flatMap((item) => Object.keys(item.tags)))];
  const context = ({ before, text, after }) =>
    html`<span class="context"><span class="before"><bdi>${before}</bdi></span><mark><bdi>${text}</bdi></mark><span>
      <bdi>${after}</bdi></span></span>`;
  const columns = [
    { name: "Similarity", number: ({ similarity }) => similarity },
    { name: "In the corpus", text: context },
    ...tags.map((tag) => ({ name: tag, text: (item) => item.tags[tag] ?? "" })),
  ];
  return html`<${Table} caption="Nearest tokens of the corpus" columns=${columns} rows=${neighbours} />`;
}

/** The share of each tag among the neighbours. */
function Summary({ summary }) {
  return html`<div class="summaries">${Object.entries(summary).map(
    ([column, shares]) =>
      html`<div><h3>${column}</h3><dl class="shares">${Object.entries(shares)
        .sort((a, b) => b[1] - a[1])
        .map(
          ([tag, share]) =>
            html`<div><dt>${tag}</dt><dd><span class="share"><${Bar} share=${share} /><span>${percent(share)}</span>
              </span></dd></div>`,
        )}</dl></div>`,
  )}</div>`;
}
