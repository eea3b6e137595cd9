import { assert, constantFrom, integer, property } from "fast-check";
import { expect, it } from "vitest";
import { randomStream } from "../util/random.ts";
import { interleaveNibbles, packRows, restoreNibbles, unpackRows, wordsPerRun } from "./packed-integers.ts";

it("packs least significant bit first, across words (worked example: 3 bits)", () => {
  // Eleven codes of 3 bits: the eleventh has its low 2 bits in word 0 (bits 30 and 31), its high bit in word 1.
  const codes = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, 0, 7, 5]);
  const packed = packRows(codes, { rows: 1, columns: 11, bits: 3 });
  const words = [...packed].map((word) => BigInt.asUintN(32, BigInt(word)).toString(2).padStart(32, "0"));
  expect(words).toEqual(["01111000000000000000000000000001", "00000000000000000000000000000001"]);
});

it("packs 4 bits as eight nibbles a word", () => {
  const codes = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect([...packRows(codes, { rows: 1, columns: 9, bits: 4 })]).toEqual([0x87_65_43_21 - 2 ** 32, 9]);
});

it("unpacks what it packed, whatever the shape", () => {
  const roundTrip = property(
    integer({ min: 0, max: 40 }),
    integer({ min: 1, max: 130 }),
    constantFrom(2 as const, 3 as const, 4 as const, 5 as const, 6 as const, 8 as const),
    (rows, columns, bits) => {
      const random = randomStream(7, rows, columns, bits);
      const codes = Uint8Array.from({ length: rows * columns }, () => random.integer(2 ** bits));
      const packed = packRows(codes, { rows, columns, bits });
      return (
        packed.length === rows * wordsPerRun(columns, bits) &&
        Buffer.from(unpackRows(packed, { rows, columns, bits })).equals(codes)
      );
    },
  );
  expect(() => assert(roundTrip)).not.toThrow();
});

it("interleaves the nibbles of a word as 0 2 4 6 1 3 5 7, and back (worked example)", () => {
  const words = Int32Array.of(0x76_54_32_10, -1, 0x0f_00_00_00);
  expect([...interleaveNibbles(words)]).toEqual([0x75_31_64_20, -1, 0x00_00_f0_00]);
  expect([...restoreNibbles(words)]).toEqual([0x76_54_32_10, -1, 0x0f_00_00_00]);
});
