/**
 * @file Conversions between float32 and the two 16-bit formats of checkpoints.
 *
 * IEEE binary16 ("fp16") goes through `Float16Array`. bfloat16 is the upper half of a float32, rounded to nearest, ties to even;
 * NaN stays NaN (the quiet bit is set, so that no NaN turns into infinity when its low bits are dropped).
 */
/* oxlint-disable eslint/no-bitwise -- bfloat16 is defined by the bits of a float32 */

/** Widens bfloat16 bit patterns; exact. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) words[index] = bits[index]! << 16;
  return new Float32Array(words.buffer);
}

/** Rounds to bfloat16 bit patterns, to nearest, ties to even. */
export function float32ToBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    const isNaN = (word & 0x7f_ff_ff_ff) > 0x7f_80_00_00;
    bits[index] = isNaN ? (word >>> 16) | 0x40 : (word + 0x7f_ff + ((word >>> 16) & 1)) >>> 16;
  }
  return bits;
}

/** Widens fp16 bit patterns; exact. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  return new Float32Array(new Float16Array(bits.buffer, bits.byteOffset, bits.length));
}

/** Rounds to fp16 bit patterns, to nearest, ties to even; what is too large becomes infinity. */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const halves = new Float16Array(values);
  return new Uint16Array(halves.buffer);
}
