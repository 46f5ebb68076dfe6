/** The tree of a beam search, from left to right. */

import { get, set } from "../address.mjs";
import { bounded } from "../attention_data.mjs";
import { figure, label } from "../figures.mjs";
import { html, useRef } from "../html.mjs";
import { Table } from "../table.mjs";

const [ACROSS, DOWN, BOX] = [116, 34, [96, 24]]; // pixels between nodes, and of one

const STATES = { best: "on the best text", finished: "finished", pruned: "pruned", alive: "alive" };

export function Beams({ text }) {
  const { beams } = text;
  const rows = layout(beams);
  const tree = useRef(null);
  const number = bounded(get("beam", 0), beams.length);
  const width = ACROSS * (1 + Math.max(...beams.map(({ step }) => step)));
  const height = DOWN * (1 + Math.max(...rows));
  const move = (event) => {
    const next = neighbour(beams, rows, number, event.key);
    if (next === undefined) return;
    event.preventDefault();
    set({ beam: next });
    tree.current.querySelector(`[data-node="${next}"]`).focus();
  };
  const x = (i) => beams[i].step * ACROSS + 4;
  const y = (i) => rows[i] * DOWN + 4;
  const edge = ({ parent, state }, i) => {
    if (parent < 0) return null;
    const [left, right] = [x(parent) + BOX[0], x(i)];
    const [from, to] = [y(parent) + BOX[1] / 2, y(i) + BOX[1] / 2];
    return html`<path class="edge ${state}" d="M ${left} ${from} C ${right} ${from}, ${left} ${to}, ${right} ${to}" />`;
  };
  const describe = (i) => {
    const { state, logprob, score } = beams[i];
    return `${STATES[state]}, log-probability ${figure(logprob)}, score ${figure(score)}`;
  };
  const node = (beam, i) => {
    const text = clip(label(beam)) + (beam.state === "finished" ? " ✓" : "");
    return html`<g class="node ${beam.state}" role="treeitem" aria-level=${beam.step + 1}
      aria-selected=${i === number ? "true" : "false"} tabindex=${i === number ? 0 : -1} data-node=${i}
      aria-label="${label(beam)}, ${describe(i)}" onClick=${() => set({ beam: i })}
      transform="translate(${x(i)} ${y(i)})"><rect width=${BOX[0]} height=${BOX[1]} rx="5" />
      <text x="8" y="16">${text}</text></g>`;
  };
  return html`<p class="hint">Thick: the best text. ✓: finished. Dashed: pruned.</p>
    <div class="scroll"><svg ref=${tree} class="beams" role="tree" aria-label="Tree of the beam search"
      width=${width} height=${height + 8} onKeyDown=${move}>
      ${beams.map(edge)}${beams.map(node)}</svg></div>
    <p class="readout" aria-live="polite"><bdi>${label(beams[number])}</bdi>: ${describe(number)}.
      Text up to here: <q><bdi>${pathText(beams, number)}</bdi></q></p>
    <${Ends} beams=${beams} />`;
}

const clip = (text) => ([...text].length > 10 ? `${[...text].slice(0, 9).join("")}…` : text);

/** The row of each node: a first child is beside its parent, the others below. */
function layout(beams) {
  const children = beams.map(() => []);
  const roots = [];
  beams.forEach(({ parent }, i) => (parent < 0 ? roots : children[parent]).push(i));
  const rows = [];
  let next = 0;
  const visit = (i) => {
    rows[i] = next;
    children[i].forEach((child, order) => {
      if (order) next += 1;
      visit(child);
    });
  };
  roots.forEach((root, order) => {
    if (order) next += 1;
    visit(root);
  });
  return rows;
}

/** The node that an arrow key leads to: parent, first child, or the next of the same step. */
function neighbour(beams, rows, number, key) {
  const { parent, step } = beams[number];
  if (key === "ArrowLeft") return parent < 0 ? undefined : parent;
  if (key === "ArrowRight") return [beams.findIndex((beam) => beam.parent === number)].find((i) => i >= 0);
  const peers = beams
    .map((_, i) => i)
    .filter((i) => beams[i].step === step)
    .sort((a, b) => rows[a] - rows[b]);
  const offset = { ArrowUp: -1, ArrowDown: 1 }[key];
  return offset && peers[peers.indexOf(number) + offset];
}

function pathText(beams, i) {
  return i < 0 ? "" : pathText(beams, beams[i].parent) + beams[i].text;
}

/** The texts that the beams ended with. */
function Ends({ beams }) {
  const parents = new Set(beams.map(({ parent }) => parent));
  const rows = beams
    .map((_, i) => i)
    .filter((i) => !parents.has(i) && beams[i].state !== "pruned")
    .sort((a, b) => beams[b].score - beams[a].score);
  const columns = [
    { name: "Text", text: (i) => pathText(beams, i) },
    { name: "State", text: (i) => STATES[beams[i].state] },
    { name: "Score", number: (i) => beams[i].score },
  ];
  return html`<h3>Texts</h3><${Table} caption="Texts of the beams" columns=${columns} rows=${rows}
    onChoose=${(i) => set({ beam: i })} />`;
}
