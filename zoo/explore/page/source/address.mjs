/** The state of the page, in the fragment of its address: a link opens the same view. */

const listeners = new Set();
let values = parse();

function parse() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

/** The value of a key; of the type of `fallback`: a string, a number, a boolean or an array of numbers. */
export function get(key, fallback) {
  const text = values[key];
  if (text === undefined) return fallback;
  if (Array.isArray(fallback)) return text.split(".").filter(Boolean).map(Number).filter(Number.isInteger);
  if (typeof fallback === "boolean") return text === "1";
  if (typeof fallback !== "number") return text;
  return Number.isInteger(Number(text)) ? Number(text) : fallback;
}

/** Set some keys; null forgets one. */
export function set(changes) {
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete values[key];
    else values[key] = textOf(value);
  }
  write();
  listeners.forEach((listener) => listener());
}

function textOf(value) {
  if (Array.isArray(value)) return value.join(".");
  return typeof value === "boolean" ? String(Number(value)) : String(value);
}

function write() {
  try {
    history.replaceState(null, "", `#${new URLSearchParams(values)}`);
  } catch {
    // a frame in a notebook has no address of its own
  }
}

/** Call a function after each change. Returns a function that ends it. */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

addEventListener("hashchange", () => {
  values = parse();
  listeners.forEach((listener) => listener());
});
