/** By depth: the logit lens, the steps of a generation, and the tree of its beams. */

import { get, set } from "../address.mjs";
import { Tabs } from "../controls.mjs";
import { html } from "../html.mjs";
import { Beams } from "./beams.mjs";
import { Lens } from "./lens.mjs";
import { Steps } from "./steps.mjs";

const PARTS = {
  lens: ["Logit lens", Lens, ({ lens }) => lens !== null],
  steps: ["Steps", Steps, ({ steps }) => steps.length > 0],
  beams: ["Beams", Beams, ({ beams }) => beams.length > 0],
};

export const hasDepth = (text) => Object.values(PARTS).some(([, , suits]) => suits(text));

export function Depth({ text }) {
  const parts = Object.entries(PARTS).filter(([, [, , suits]]) => suits(text));
  const part = parts.some(([key]) => key === get("part", "")) ? get("part", "") : parts[0][0];
  const Part = PARTS[part][1];
  if (parts.length === 1) return html`<${Part} text=${text} />`;
  return html`<${Tabs} small label="By depth" panel="part-panel" value=${part}
    tabs=${parts.map(([key, [name]]) => [key, name])} onChange=${(key) => set({ part: key })} />
    <div id="part-panel" role="tabpanel" aria-labelledby="tab-${part}"><${Part} text=${text} /></div>`;
}
