/** Arrays of an explanation, as `zoo/explore/page_data.py` writes them. */

const NUMBERS = { i1: Int8Array, i2: Int16Array, i4: Int32Array };
let halves = null; // float16 by its bits

/** An array with rows and columns; its numbers are read when they are first needed. */
export class NdArray {
  /** `description` is `{type, offset, shape, scale}`, `start` the index in `bytes` from which offsets count. */
  constructor({ type, offset, shape, scale }, bytes, start) {
    this.shape = shape;
    this.size = shape.reduce((a, b) => a * b, 1);
    this.scale = type === "u1" ? scale : 1; // of the numbers in `values`
    this.strides = stridesOf(shape, type === "u1");
    this.read = () => readNumbers(type, bytes, start + offset, this.size, scale);
  }

  /** The numbers, to be multiplied by `scale`; the number of an index is at the sum of its products with `strides`. */
  get values() {
    this.numbers ??= this.read();
    return this.numbers;
  }

  /** The number at an index. */
  at(...index) {
    return this.values[index.reduce((sum, i, axis) => sum + i * this.strides[axis], 0)] * this.scale;
  }

  /** The numbers along the last axis at an index of the axes before it, as a Float32Array. */
  row(...index) {
    return this.line(index, this.shape.length - 1);
  }

  /** The numbers along the last axis but one: `index` holds the axes before it and the last. */
  column(...index) {
    const last = index.pop();
    return this.line([...index, 0, last], this.shape.length - 2);
  }

  line(index, axis) {
    const start = index.reduce((sum, i, j) => sum + i * this.strides[j], 0);
    const line = new Float32Array(this.shape[axis]);
    const { values, scale } = this;
    for (let i = 0, j = start; i < line.length; i++, j += this.strides[axis]) line[i] = values[j] * scale;
    return line;
  }
}

function stridesOf(shape, swapped) {
  const strides = new Array(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  if (swapped) strides.splice(-2, 2, 1, shape.at(-2));
  return strides;
}

function readNumbers(type, bytes, start, size, scale) {
  if (type === "u1") return bytes.subarray(start, start + size);
  if (type === "bit") return Uint8Array.from({ length: size }, (_, i) => (bytes[start + (i >> 3)] >> (i & 7)) & 1);
  if (type in NUMBERS)
    return new NUMBERS[type](bytes.slice(start, start + size * NUMBERS[type].BYTES_PER_ELEMENT).buffer);
  const bits = new Uint16Array(bytes.slice(start, start + 2 * size).buffer);
  halves ??= Float32Array.from({ length: 65536 }, (_, i) => halfNumber(i));
  return Float32Array.from(bits, (half) => halves[half] * scale);
}

/** The float16 of 16 bits (IEEE 754). */
function halfNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
}
