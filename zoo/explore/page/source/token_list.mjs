/** A list of tokens, one below the other, of which one is chosen: the listbox pattern of ARIA. */

import { label } from "./figures.mjs";
import { html, useId, useLayoutEffect, useRef } from "./html.mjs";

export const ROW = 22; // pixels of a row, as in tokens.css

/**
 * Args:
 *   tokens, indices: the tokens that are shown are `tokens[i]` of each index i.
 *   chosen: an index of `indices`, or -1.
 *   onChoose(index): the same index again chooses none.
 *   masked: the index of a masked token, or -1.
 */
export function TokenList({ name, tokens, indices, chosen, onChoose, masked = -1, side = "", keepInView = true }) {
  const id = useId();
  const list = useRef(null);
  const position = indices.indexOf(chosen);
  useLayoutEffect(() => {
    if (keepInView && document.activeElement === list.current)
      list.current.children[position]?.scrollIntoView({ block: "nearest" });
  }, [position]);
  const move = (event) => {
    const last = indices.length - 1;
    const steps = { ArrowDown: position + 1, ArrowUp: position < 0 ? last : position - 1, Home: 0, End: last };
    if (event.key === "Escape" && position >= 0) onChoose(-1);
    if (!(event.key in steps)) return;
    event.preventDefault();
    onChoose(indices[Math.min(last, Math.max(0, steps[event.key]))]);
  };
  const choose = (event) => {
    const option = event.target.closest("[role=option]");
    if (option) onChoose(Number(option.dataset.index) === chosen ? -1 : Number(option.dataset.index));
  };
  return html`<div
    ref=${list}
    class="tokens ${side}"
    role="listbox"
    tabindex="0"
    aria-label=${name}
    aria-activedescendant=${position >= 0 ? `${id}-${chosen}` : null}
    onKeyDown=${move}
    onClick=${choose}
  >
    ${indices.map((i) => html`<${Option} key=${i} id="${id}-${i}" token=${tokens[i]} index=${i}
      chosen=${i === chosen} masked=${i === masked} />`)}
  </div>`;
}

function Option({ id, token, index, chosen, masked }) {
  const kind = [token.special && "special", token.generated && "generated", masked && "masked"].filter(Boolean);
  return html`<div
    id=${id}
    role="option"
    aria-selected=${chosen ? "true" : "false"}
    data-index=${index}
    class="token ${kind.join(" ")}"
    title="${index}: ${label(token)}${kind.length ? ` (${kind.join(", ")})` : ""}"
  >
    <bdi>${label(token)}</bdi>
  </div>`;
}
