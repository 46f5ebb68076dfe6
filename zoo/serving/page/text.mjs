/** Text and numbers: offsets in characters, JSON with NaN, figures for people. */

/** The index in UTF-16 code units of each character offset of a text, its end included: "😀" is one character. */
export function codeUnitOffsets(text) {
  const offsets = [];
  let index = 0;
  for (const character of text) {
    offsets.push(index);
    index += character.length;
  }
  offsets.push(index);
  return offsets;
}

/** The value of a JSON text; NaN, Infinity and -Infinity, which TensorFlow Serving writes, are numbers. */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    const numbers = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };
    const token = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;
    const marked = text.replace(token, (word) => (word[0] === '"' ? word : `{"number":"${word}"}`));
    return JSON.parse(marked, (_, value) => (isMarked(value, numbers) ? numbers[value.number] : value));
  }
}

function isMarked(value, numbers) {
  return value !== null && typeof value === "object" && Object.keys(value).length === 1 && value.number in numbers;
}

/** A probability as a percentage: "98.3 %". */
export function percent(share) {
  if (!Number.isFinite(share)) return String(share);
  if (share > 0 && share < 0.001) return "< 0.1 %";
  return `${(100 * share).toFixed(1)} %`;
}

/** A number of the network to at most 6 digits. */
export const figure = (value) => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6))));

/** A time in milliseconds: "12 ms", "3.4 s". */
export const duration = (time) => (time < 1000 ? `${Math.round(time)} ms` : `${(time / 1000).toFixed(1)} s`);

/** The beginning of a text, of at most `limit` characters. */
export function shorten(text, limit) {
  const characters = [...text.slice(0, 2 * limit + 2)];
  return characters.length <= limit ? text : `${characters.slice(0, limit).join("")}…`;
}

/** "1 entity", "2 entities": a count with its noun. */
export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
