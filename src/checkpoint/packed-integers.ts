/**
 * @file The dense bit stream that compressed-tensors, GPTQ and MLX share: code number i of a run occupies bits
 * [i·bits, i·bits + bits) of a run of 32-bit little-endian words, least significant bit first; the tail is zero bits.
 */
/* oxlint-disable eslint/no-bitwise -- packing bits into words is all this file does */
import type { Bits } from "./quantized-matrix.ts";

/** Words that hold one run of `length` codes. */
export function wordsPerRun(length: number, bits: Bits): number {
  return Math.ceil((length * bits) / 32);
}

/** Packs each row of `codes` ([rows, columns], each below 2^bits) as one run: [rows, wordsPerRun(columns)]. */
export function packRows(
  codes: Uint8Array,
  { rows, columns, bits }: { rows: number; columns: number; bits: Bits },
): Int32Array<ArrayBuffer> {
  const words = wordsPerRun(columns, bits);
  const packed = new Int32Array(rows * words);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const code = codes[row * columns + column]!;
      const bit = column * bits;
      const word = row * words + (bit >>> 5);
      const shift = bit & 31;
      packed[word]! |= code << shift;
      if (shift + bits > 32) packed[word + 1]! |= code >>> (32 - shift);
    }
  }
  return packed;
}

/** The inverse of {@link packRows}; `packed` is [rows, wordsPerRun(columns)]. */
export function unpackRows(
  packed: Int32Array,
  { rows, columns, bits }: { rows: number; columns: number; bits: Bits },
): Uint8Array<ArrayBuffer> {
  const words = wordsPerRun(columns, bits);
  const mask = (1 << bits) - 1;
  const codes = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const bit = column * bits;
      const word = row * words + (bit >>> 5);
      const shift = bit & 31;
      let code = packed[word]! >>> shift;
      if (shift + bits > 32) code |= packed[word + 1]! << (32 - shift);
      codes[row * columns + column] = code & mask;
    }
  }
  return codes;
}
