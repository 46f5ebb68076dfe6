/** Colours that colour-blind people tell apart, in the light and in the dark: scales of one and two hues, and heads. */

const query = matchMedia("(prefers-color-scheme: dark)");

const SEQUENTIAL = {
  light: ["#eef2f6", "#a9cbe8", "#3f8bc9", "#0d4f8b", "#06264a"],
  dark: ["#242a31", "#1f4f7c", "#3d8fd1", "#93c9f5", "#f2f8fe"],
};
const DIVERGING = {
  light: ["#0a5aa8", "#8dbde4", "#f1f2f4", "#f0b07c", "#b35400"],
  dark: ["#63b0f4", "#24527e", "#2a3038", "#7d4a22", "#ff9d5c"],
};
const HEADS = {
  // after Okabe and Ito (2008)
  light: ["#0072b2", "#b35400", "#007a5a", "#a34a80", "#8a6a00", "#4d4fb8", "#565e66", "#c0362c"],
  dark: ["#56b4e9", "#ff9d5c", "#3fd0a5", "#e59ac8", "#f0e442", "#a9aaff", "#b5bdc5", "#ff8d85"],
};

/** "dark" or "light": what the reader's system asks for. */
export const scheme = () => (query.matches ? "dark" : "light");

/** Call a function when the scheme changes. Returns a function that ends it. */
export function onScheme(listener) {
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

function table(stops) {
  const colours = stops.map(channels);
  return Array.from({ length: 256 }, (_, i) => {
    const position = (i / 255) * (colours.length - 1);
    const low = Math.min(Math.floor(position), colours.length - 2);
    return colours[low].map((value, j) => Math.round(value + (position - low) * (colours[low + 1][j] - value)));
  });
}

const tables = new Map();

function scale(name, stops) {
  const key = `${name} ${scheme()}`;
  if (!tables.has(key)) tables.set(key, table(stops[scheme()]));
  const colours = tables.get(key);
  return (share) => colours[Math.round(255 * Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0)))];
}

/** A function from a share between 0 and 1 to [red, green, blue]. */
export const sequential = () => scale("sequential", SEQUENTIAL);

/** A function from a number between -1 (blue) and 1 (orange) to [red, green, blue]. */
export function diverging() {
  const colours = scale("diverging", DIVERGING);
  return (value) => colours((value + 1) / 2);
}

/** The colour of a head, as a hexadecimal number. */
export const headColour = (head) => HEADS[scheme()][head % HEADS.light.length];

export const css = (colour) => `rgb(${colour.join(" ")})`;

/** Black or white: what is legible on a colour. */
export function textOn(colour) {
  const [red, green, blue] = colour.map((value) => ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

/** The style of an element with a background of a colour. */
export const on = (colour) => ({ background: css(colour), color: textOn(colour) });
