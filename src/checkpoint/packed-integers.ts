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
  const packed = new Int32Array(rows * wordsPerRun(columns, bits));
  let next = 0;
  for (let row = 0; row < rows; row++) {
    const rowEnd = (row + 1) * columns;
    let word = 0;
    let filledBits = 0;
    for (let index = row * columns; index < rowEnd; index++) {
      const code = codes[index]!;
      word |= code << filledBits;
      filledBits += bits;
      if (filledBits < 32) continue;
      packed[next] = word;
      next += 1;
      filledBits -= 32;
      word = code >>> (bits - filledBits);
    }
    if (filledBits === 0) continue;
    packed[next] = word;
    next += 1;
  }
  return packed;
}

/** The inverse of {@link packRows}; `packed` is [rows, wordsPerRun(columns)]. */
export function unpackRows(
  packed: Int32Array,
  { rows, columns, bits }: { rows: number; columns: number; bits: Bits },
): Uint8Array<ArrayBuffer> {
  const mask = (1 << bits) - 1;
  const codes = new Uint8Array(rows * columns);
  let next = 0;
  for (let row = 0; row < rows; row++) {
    const rowEnd = (row + 1) * columns;
    let word = 0;
    let usedBits = 32;
    for (let index = row * columns; index < rowEnd; index++) {
      let code = usedBits < 32 ? word >>> usedBits : 0;
      usedBits += bits;
      if (usedBits > 32) {
        word = packed[next]!;
        next += 1;
        usedBits -= 32;
        code |= word << (bits - usedBits);
      }
      codes[index] = code & mask;
    }
  }
  return codes;
}

/**
 * Reorders the eight nibbles of each word, in place, from 0 1 2 3 4 5 6 7 (lowest first) to 0 2 4 6 1 3 5 7, the order of AWQ.
 *
 * The even nibbles move to the lower half and the odd ones to the upper half (the "perfect unshuffle" of Hacker's Delight, section 7-2).
 */
export function interleaveNibbles(words: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    words[index] = everySecondNibble(word) | (everySecondNibble(word >>> 4) << 16);
  }
  return words;
}

/** The inverse of {@link interleaveNibbles}. */
export function restoreNibbles(words: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    words[index] = spreadNibbles(word & 0xff_ff) | (spreadNibbles(word >>> 16) << 4);
  }
  return words;
}

/** Nibbles 0, 2, 4 and 6 in the lower half. */
function everySecondNibble(word: number): number {
  const pairs = (word & 0x0f_0f_0f_0f) | ((word & 0x0f_00_0f_00) >>> 4);
  return (pairs & 0xff) | ((pairs >>> 8) & 0xff_00);
}

/** The inverse of {@link everySecondNibble}, with zeros between. */
function spreadNibbles(half: number): number {
  const pairs = (half & 0xff) | ((half & 0xff_00) << 8);
  return (pairs & 0x00_0f_00_0f) | ((pairs & 0x00_f0_00_f0) << 4);
}
