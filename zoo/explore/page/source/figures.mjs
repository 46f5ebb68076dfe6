/** Numbers and tokens as people read them. */

const INVISIBLE = { " ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍", "\u00a0": "⍽" };

/** A number with about 3 significant digits: "0.0123", "−4.56", "1,234". */
export function figure(value) {
  if (value === null || !Number.isFinite(value)) return value === -Infinity ? "−∞" : "–";
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  const text = size !== 0 && size < 0.001 ? size.toExponential(1) : size.toFixed(digits);
  return (value < 0 && Number(text) !== 0 ? "−" : "") + text;
}

/** A weight between 0 and 1, with 3 decimals. */
export const weight = (value) => (value > 0 && value < 0.0005 ? "<0.001" : value.toFixed(3));

/** A share as a percentage. */
export const percent = (share) => (share > 0 && share < 0.001 ? "<0.1 %" : `${(100 * share).toFixed(1)} %`);

/** The text of a token without the space before it; white space alone as signs. */
export function label(token) {
  const text = token.text.trim();
  return text || [...token.text].map((character) => INVISIBLE[character] ?? character).join("") || "∅";
}

/** The indices of numbers, the largest first. */
export function descending(numbers) {
  return Array.from(numbers, (_, i) => i).sort((a, b) => numbers[b] - numbers[a]);
}

/** The sum of numbers. */
export const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** "1 token", "2 tokens". */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
