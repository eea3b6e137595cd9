import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dequantize } from "../../dequantize.ts";
import type { Bits, QuantizedMatrix } from "../../quantized-matrix.ts";
import { denseValues } from "../../stored-weight.ts";
import { blocksOfMatrix, chooseType } from "./blocks-of-matrix.ts";
import { dequantizeBlocks } from "./dequantize-blocks.ts";
import { weightOfBlocks } from "./matrix-of-blocks.ts";

function rowOf(codes: number[], grid: { bits: Bits; zeroPoint: number; scale: number }): QuantizedMatrix {
  return {
    bits: grid.bits,
    rows: 1,
    columns: codes.length,
    groupSize: codes.length,
    symmetric: grid.zeroPoint === 2 ** (grid.bits - 1),
    codes: Uint8Array.from(codes),
    scales: Float32Array.of(grid.scale),
    zeroPoints: Uint8Array.of(grid.zeroPoint),
  };
}

/** A row of 256 codes, every one of them. */
function all(bits: Bits, zeroPoint: number, scale = 0.25): QuantizedMatrix {
  return rowOf(
    Array.from({ length: 256 }, (_, index) => index % 2 ** bits),
    { bits, zeroPoint, scale },
  );
}

/** Bits, but for the sign of zero. */
function plain(values: Float32Array): number[] {
  return Array.from(values, (value) => value + 0);
}

describe("worked examples", () => {
  it("Q4_0: fp16 scale, then element j in the low and j + 16 in the high nibble of byte j", () => {
    const codes = Array.from({ length: 32 }, (_, index) => index % 16);
    const matrix = rowOf(codes, { bits: 4, zeroPoint: 8, scale: 1 });
    const chosen = chooseType(matrix);
    expect(chosen).toMatchObject({ type: { name: "Q4_0" }, inexact: null });
    const expected = [0x00, 0x3c, ...Array.from({ length: 16 }, (_, index) => index * 17)];
    expect([...blocksOfMatrix(matrix, chosen)]).toEqual(expected);
  });

  it("Q2_0: symmetric codes -2 … 1 become 2 … -1 of the opposite scale", () => {
    const matrix = rowOf([0, 1, 2, 3, ...Array.from({ length: 60 }, () => 2)], {
      bits: 2,
      zeroPoint: 2,
      scale: 0.5,
    });
    const chosen = chooseType(matrix);
    expect(chosen.type.name).toBe("Q2_0");
    const blocks = blocksOfMatrix(matrix, chosen);
    // 0xb800 is -0.5; u = 3, 2, 1, 0 from the lowest bits on, then all 1 (zero).
    expect([...blocks.subarray(0, 4)]).toEqual([0x00, 0xb8, 0b00_01_10_11, 0b01_01_01_01]);
    expect(plain(dequantizeBlocks(chosen.type, blocks)).slice(0, 5)).toEqual([-1, -0.5, 0, 0.5, 0]);
  });
});

describe("the smallest type that holds the numbers is chosen", () => {
  const odd = 1365 / 1024; // eleven significant bits: odd multiples of it are not in fp16

  it.each([
    ["2 bits symmetric", all(2, 2), "Q2_0"],
    ["2 bits, zero at 1", all(2, 1), "Q2_0"],
    ["2 bits, zero at 0", all(2, 0), "Q4_0"],
    ["3 bits symmetric", all(3, 4), "Q4_0"],
    ["3 bits, zero at 7", all(3, 7), "Q4_0"],
    ["4 bits symmetric", all(4, 8), "Q4_0"],
    ["4 bits, minimum in fp16", all(4, 3), "Q4_1"],
    ["4 bits, minimum not in fp16", all(4, 3, odd), "Q5_0"],
    ["5 bits symmetric", all(5, 16), "Q5_0"],
    ["6 bits symmetric", all(6, 32), "Q8_0"],
    ["6 bits, zero at 0", all(6, 0), "Q8_0"],
    ["8 bits symmetric", all(8, 128), "Q8_0"],
  ] as const)("%s", (_, matrix, name) => {
    expect(chooseType(matrix)).toMatchObject({ type: { name }, inexact: null });
  });

  it("rows that no block divides are stored as floats", () => {
    const matrix = rowOf([1, 2, 3, 4], { bits: 4, zeroPoint: 8, scale: 0.5 });
    const chosen = chooseType(matrix);
    expect(chosen).toMatchObject({ type: { name: "F32" }, inexact: null });
    expect([...new Float32Array(blocksOfMatrix(matrix, chosen).buffer)]).toEqual([-3.5, -3, -2.5, -2]);
  });

  it("says why where none does, and then takes the nearest", () => {
    const wide = all(8, 3);
    expect(chooseType(wide).inexact).toMatchInlineSnapshot(
      `"no type holds 8-bit codes with these zero points"`,
    );
    const narrow = {
      ...all(4, 8),
      groupSize: 16,
      scales: new Float32Array(16).fill(0.25),
      zeroPoints: new Uint8Array(16).fill(8),
    };
    const chosen = chooseType(narrow);
    expect(chosen.inexact).toMatchInlineSnapshot(
      `"the blocks of 32 that every type has do not fit groups of 16"`,
    );
    const rounded = dequantizeBlocks(chosen.type, blocksOfMatrix(narrow, chosen));
    // absmax 2, so that half a step is 1/127.
    expect(rounded).toBeAllClose(dequantize(narrow), { absolute: 1 / 127 + 1e-3, relative: 0 });
  });
});

describe("property: blocks mean the numbers of the matrix, and are read back as a matrix of the same numbers", () => {
  const matrices = fc
    .record({
      bits: fc.constantFrom<Bits>(2, 3, 4, 5, 6, 8),
      rows: fc.integer({ min: 1, max: 3 }),
      groups: fc.integer({ min: 1, max: 3 }),
      groupSize: fc.constantFrom(32, 64, 96, 128),
      symmetric: fc.boolean(),
    })
    .chain((shape) => {
      const count = shape.rows * shape.groups;
      const level = fc.integer({ min: 0, max: 2 ** shape.bits - 1 });
      return fc.record({
        shape: fc.constant(shape),
        codes: fc.array(level, { minLength: count * shape.groupSize, maxLength: count * shape.groupSize }),
        scales: fc.array(fc.integer({ min: 1, max: 31_743 }), { minLength: count, maxLength: count }),
        zeroPoints: fc.array(level, { minLength: count, maxLength: count }),
      });
    })
    .map(
      ({
        shape: { bits, rows, groups, groupSize, symmetric },
        codes,
        scales,
        zeroPoints,
      }): QuantizedMatrix => ({
        bits,
        rows,
        columns: groups * groupSize,
        groupSize,
        symmetric,
        codes: Uint8Array.from(codes),
        // Any positive number of fp16, by its bits.
        scales: Float32Array.from(new Float16Array(Uint16Array.from(scales).buffer)),
        zeroPoints: symmetric
          ? new Uint8Array(scales.length).fill(2 ** (bits - 1))
          : Uint8Array.from(zeroPoints),
      }),
    );

  it("for every width, symmetry and group of whole blocks", () => {
    fc.assert(
      fc.property(matrices, (matrix) => {
        const chosen = chooseType(matrix);
        fc.pre(chosen.inexact === null);
        const blocks = blocksOfMatrix(matrix, chosen);
        expect(plain(dequantizeBlocks(chosen.type, blocks))).toEqual(plain(dequantize(matrix)));
        const stored = weightOfBlocks(chosen.type, blocks, matrix);
        expect(plain(denseValues(stored))).toEqual(plain(dequantize(matrix)));
        if (!matrix.symmetric || stored.kind !== "quantized" || stored.matrix.bits !== matrix.bits) return;
        expect(stored.matrix.codes).toEqual(matrix.codes);
        expect(stored.matrix.scales[0]).toBe(matrix.scales[0]);
      }),
      { numRuns: 60 },
    );
  });
});
