/** The page: which model, text and view are shown. */

import { get, listen, set } from "./address.mjs";
import { bounded } from "./attention_data.mjs";
import { onScheme } from "./colours.mjs";
import { Choice, Tabs } from "./controls.mjs";
import { html, useLayoutEffect, useState } from "./html.mjs";
import { Attention } from "./views/attention.mjs";
import { Attribution } from "./views/attribution.mjs";
import { Comparison } from "./views/comparison.mjs";
import { Depth, hasDepth } from "./views/depth.mjs";
import { Filters } from "./views/filters.mjs";
import { Recurrent } from "./views/recurrent.mjs";
import { Search } from "./views/search.mjs";

const VIEWS = {
  // key: [name, component, whether a text has it]; "comparison" needs two models
  attention: ["Attention", Attention, ({ attention }) => attention.length > 0],
  why: ["Why this answer", Attribution, ({ attribution, terms }) => attribution !== null || terms !== null],
  depth: ["By depth", Depth, hasDepth],
  states: ["Recurrent states", Recurrent, ({ recurrent }) => recurrent.length > 0],
  filters: ["Filters", Filters, ({ filters }) => filters.length > 0],
  search: ["Search", Search, ({ search }) => search.length > 0],
};
const OF_A_TEXT = `stack layer heads token masked cell unit lens output against beam step near filter change recurrent`;

export function App({ explanation }) {
  const [, refresh] = useState(0);
  useLayoutEffect(() => {
    const again = () => refresh((count) => count + 1);
    const ends = [listen(again), onScheme(again)];
    return () => ends.forEach((end) => end());
  }, []);
  const { models, comparison, notes } = explanation;
  const model = models[bounded(get("model", 0), models.length)];
  const number = bounded(get("text", 0), model.texts.length);
  const text = model.texts[number];
  const views = Object.entries(VIEWS)
    .filter(([, [, , suits]]) => suits(text))
    .map(([key, [name, view]]) => [key, name, view]);
  if (comparison[number]) views.push(["models", "Two models", Comparison]);
  const current = views.find(([key]) => key === get("view", "")) ?? views[0];
  const forgotten = Object.fromEntries(OF_A_TEXT.split(" ").map((key) => [key, null]));
  return html`<header>
      <h1><bdi>${models.map(({ name }) => name).join(" and ")}</bdi></h1>
      <p>${model.objective} · ${model.architecture}</p>
    </header>
    <main>
      <section class="text-section" aria-label="Text">
        <div class="controls">
          <${Choice} label="Text" names=${model.texts.map(titleOf)} value=${number}
            onChange=${(i) => set({ ...forgotten, text: i })} />
          ${current?.[0] !== "models" && html`<${Choice} label="Model" names=${models.map(({ name }) => name)}
            value=${models.indexOf(model)} onChange=${(i) => set({ model: i })} />`}
        </div>
        <${Inputs} text=${text} />
      </section>
      ${
        views.length > 0 &&
        html`<${Tabs} label="Views" panel="view-panel" value=${current[0]} tabs=${views}
          onChange=${(view) => set({ view })} />
      <section id="view-panel" role="tabpanel" aria-labelledby="tab-${current[0]}">
        <h2 class="off-screen">${current[1]}</h2>
        <${current[2]} key="${number} ${current[0]} ${models.indexOf(model)}" text=${text} explanation=${explanation}
          number=${number} />
      </section>`
      }
      ${notes.length > 0 && html`<aside class="notes" aria-label="Notes">
        <ul>${notes.map((note) => html`<li>${note}</li>`)}</ul></aside>`}
    </main>`;
}

/** The beginning of a text, with its number. */
function titleOf({ inputs }, i) {
  const first = [...String(Object.values(inputs).find((value) => typeof value === "string") ?? "")];
  return `${i + 1}: ${first.slice(0, 60).join("")}${first.length > 60 ? "…" : ""}`;
}

function Inputs({ text }) {
  const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const inputs = Object.entries(text.inputs).filter(([, value]) => value !== "");
  return html`<dl class="inputs">
    ${inputs.map(([name, value]) => html`<div><dt>${name}</dt><dd dir="auto">${shown(value)}</dd></div>`)}
    <div class="answer"><dt>answer</dt><dd dir="auto">${text.answer || "(empty)"}</dd></div>
  </dl>`;
}
