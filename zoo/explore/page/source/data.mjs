/** Read the explanation that is in the page: base64 of a raw deflate stream of a header and arrays. */

import { NdArray } from "./array.mjs";

/** The explanation: an object of its fields for each class of `zoo/explore/views.py`, an `NdArray` for each array. */
export async function readExplanation(base64) {
  const bytes = await inflate(decodeBase64(base64));
  const start = 4 + new DataView(bytes.buffer).getUint32(0, true);
  const { value, arrays } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)));
  return withArrays(
    value,
    arrays.map((description) => new NdArray(description, bytes, start)),
  );
}

function decodeBase64(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A value whose `{"$array": index}` are replaced by the arrays. */
function withArrays(value, arrays) {
  if (value === null || typeof value !== "object") return value;
  if ("$array" in value) return arrays[value.$array];
  for (const key of Object.keys(value)) value[key] = withArrays(value[key], arrays);
  return value;
}
