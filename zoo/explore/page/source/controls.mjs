/** Form controls with their labels. */

import { html, useId } from "./html.mjs";

/** A choice among `options`, strings or [value, text] each; `onChange(value)`. */
export function Select({ label, options, value, onChange }) {
  const id = useId();
  const pairs = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <select id=${id} value=${String(value)} onChange=${(event) => onChange(event.target.value)}>
      ${pairs.map(([key, text]) => html`<option value=${String(key)}
        selected=${String(key) === String(value)}>${text}</option>`)}
    </select>
  </div>`;
}

/** A choice of an item by its index; hidden where there is no choice. */
export function Choice({ label, names, value, onChange }) {
  if (names.length < 2) return null;
  const options = names.map((name, i) => [i, name]);
  return html`<${Select} label=${label} options=${options} value=${value}
    onChange=${(key) => onChange(Number(key))} />`;
}

export function Check({ label, checked, disabled, onChange }) {
  const id = useId();
  return html`<div class="check">
    <input type="checkbox" id=${id} checked=${checked} disabled=${disabled}
      onChange=${(event) => onChange(event.target.checked)} />
    <label for=${id}>${label}</label>
  </div>`;
}

/** Tabs (the tabs pattern of ARIA): `tabs` are [key, text] each; arrows move, and choose. */
export function Tabs({ label, tabs, value, onChange, panel, small = false }) {
  const keys = tabs.map(([key]) => key);
  const move = (event) => {
    const at = keys.indexOf(value);
    const target = { ArrowRight: at + 1, ArrowLeft: at - 1 + keys.length, Home: 0, End: keys.length - 1 }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    onChange(keys[target % keys.length]);
    event.currentTarget.children[target % keys.length].focus();
  };
  return html`<div class=${small ? "tabs small" : "tabs"} role="tablist" aria-label=${label} onKeyDown=${move}>
    ${tabs.map(
      ([key, text]) => html`<button
        type="button"
        role="tab"
        id="tab-${key}"
        aria-controls=${panel}
        aria-selected=${key === value ? "true" : "false"}
        tabindex=${key === value ? 0 : -1}
        onClick=${() => onChange(key)}
      >
        ${text}
      </button>`,
    )}
  </div>`;
}

/** Buttons that are on or off, one for each item: `{text, on, colour}`; arrows move. */
export function Toggles({ label, items, onToggle, children }) {
  const move = (event) => {
    const buttons = [...event.currentTarget.querySelectorAll("button")];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length].focus();
  };
  const id = useId();
  return html`<div class="field">
    <span class="label" id=${id}>${label}</span>
    <div class="toggles" role="group" aria-labelledby=${id} onKeyDown=${move}>
      ${items.map(
        ({ text, on, colour, name }, i) => html`<button
          type="button"
          class="toggle"
          aria-pressed=${on ? "true" : "false"}
          aria-label=${name}
          style=${{ "--colour": colour }}
          onClick=${() => onToggle(i)}
        >
          ${text}
        </button>`,
      )}
      ${children}
    </div>
  </div>`;
}
