/** Elements of the page. Strings become text nodes: nothing that a person or a model writes is ever read as HTML. */

/**
 * An element with attributes and children. A function is an event listener (`onclick`), null an attribute or a child
 * that is left out, and the attribute `width` sets the style, which the page's security policy allows to scripts only.
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    else if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (name === "width") node.style.width = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null));
  return node;
}

/** The element of an id. */
export const byId = (id) => document.getElementById(id);

/** A button that copies what `text()` returns, and says so. */
export function copyButton(label, text) {
  const button = element("button", { type: "button", class: "quiet", onclick: copy }, label);
  async function copy() {
    button.textContent = (await writeClipboard(text())) ? "Copied" : "Not copied";
    setTimeout(() => (button.textContent = label), 1500);
  }
  return button;
}

/** Write a text to the clipboard; by way of a selection where a page without HTTPS may not. Returns success. */
async function writeClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", { readonly: true, class: "off-screen", "aria-hidden": "true" });
    const focused = document.activeElement;
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return copied;
  }
}

/**
 * A table with a caption for screen readers, and a button for rows beyond `limit`.
 * Columns are headings, with ">" before that of a column of numbers; a cell is a string or a node.
 */
export function table(caption, columns, rows, limit = 50) {
  const numeric = columns.map((name) => name.startsWith(">"));
  const body = element("tbody");
  const heading = (name, i) =>
    element("th", { scope: "col", class: numeric[i] ? "number" : null }, name.replace(/^>/, ""));
  const cell = (value, i) => element("td", { class: numeric[i] ? "number" : null, dir: "auto" }, ...[value].flat());
  const add = (more) => body.append(...more.map((row) => element("tr", {}, row.map(cell))));
  add(rows.slice(0, limit));
  const node = element(
    "table",
    {},
    element("caption", { class: "off-screen" }, caption),
    element("thead", {}, element("tr", {}, columns.map(heading))),
    body,
  );
  if (rows.length <= limit) return node;
  const onclick = () => {
    button.remove();
    add(rows.slice(limit));
    body.rows[limit].tabIndex = -1;
    body.rows[limit].focus();
  };
  const button = element("button", { type: "button", class: "quiet", onclick }, `Show all ${rows.length}`);
  return element("div", {}, node, button);
}

/** A bar for a share between 0 and 1, beside its number; a screen reader reads the number. */
export function bar(share) {
  const width = `${100 * Math.min(1, Math.max(0, share || 0))}%`;
  return element("span", { class: "bar", "aria-hidden": "true" }, element("span", { width }));
}
