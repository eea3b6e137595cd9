import { assert, constantFrom, integer, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import type { QuantizedMatrix } from "../../checkpoint/quantized-matrix.ts";
import { randomStream } from "../../util/random.ts";
import { operatorParts, packParts, unpackParts, type PartData } from "./operator-layout.ts";

const small: QuantizedMatrix = {
  bits: 8,
  rows: 1,
  columns: 16,
  groupSize: 16,
  symmetric: true,
  codes: Uint8Array.from({ length: 16 }, (_, column) => 16 * column + 15 - column),
  scales: Float32Array.of(0.5),
  zeroPoints: Uint8Array.of(128),
};

describe("the layout of operators", () => {
  test("worked example: 8 bits are two planes of 4, the high one with 16 times the scale", () => {
    const parts = packParts(small);
    expect([...parts.get("weight_high_codes")!]).toEqual([0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe]);
    expect([...parts.get("weight_low_codes")!]).toEqual([0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01]);
    expect([...parts.get("weight_high_scales")!]).toEqual([8]);
    expect([...parts.get("weight_high_zero_points")!]).toEqual([8]);
    expect([...parts.get("weight_low_zero_points")!]).toEqual([0]);
  });

  test("property: every matrix comes back bit for bit, at every width, group and odd shape", () => {
    const cases = record({
      bits: constantFrom(2, 3, 4, 5, 6, 8),
      rows: integer({ min: 1, max: 9 }),
      groups: integer({ min: 1, max: 5 }),
      groupSize: constantFrom(16, 32, 48, 64, 80, 128, 256),
      wholeRows: constantFrom(null, null, 1, 7, 24, 33, 200),
      isRounded: constantFrom(true, false),
      seed: integer(),
    });
    assert(
      property(cases, ({ bits, rows, groups, groupSize, wholeRows, isRounded, seed }) => {
        const columns = wholeRows ?? groups * groupSize;
        const count = wholeRows === null ? rows * groups : rows;
        const random = randomStream(seed, "layout");
        const scheme = {
          bits,
          rows,
          columns,
          groupSize: wholeRows ?? groupSize,
          symmetric: false,
          ...(isRounded ? ({ activations: "int8-per-token" } as const) : {}),
        };
        const matrix: QuantizedMatrix = {
          ...scheme,
          codes: Uint8Array.from({ length: rows * columns }, () => random.integer(2 ** bits)),
          scales: Float32Array.from({ length: count }, () => Math.f16round(random.next())),
          zeroPoints: Uint8Array.from({ length: count }, () => random.integer(2 ** bits)),
        };
        const parts = packParts(matrix);
        for (const { name, shape } of operatorParts(scheme)) {
          expect(parts.get(name)!.length).toBe(shape.reduce((product, size) => product * size, 1));
        }
        expect(unpackParts(scheme, (name) => parts.get(name)!)).toEqual(matrix);
      }),
    );
  });

  test("parts of no matrix are refused: codes too large, unequal blocks, planes that contradict each other", () => {
    const low = {
      ...small,
      bits: 3,
      codes: small.codes.map((code) => code % 8),
      zeroPoints: Uint8Array.of(4),
    } as const;
    const refused = expect.objectContaining({ code: "models/bad-parts" });
    expect(damaged(low, (parts) => parts.get("weight_codes")!.fill(0xff))).toThrow(refused);
    expect(damaged(small, (parts) => parts.get("weight_high_scales")!.fill(1))).toThrow(refused);
    // One group of 192 columns is stored as three blocks of 64.
    const blocks = { ...low, groupSize: 192, columns: 192, codes: new Uint8Array(192) };
    expect(damaged(blocks, (parts) => parts.get("weight_scales")!.fill(2, 1))).toThrow(refused);
  });
});

/** Unpacks what is left of a matrix. */
function damaged(
  matrix: QuantizedMatrix,
  damage: (parts: ReadonlyMap<string, PartData>) => void,
): () => unknown {
  const parts = packParts(matrix);
  damage(parts);
  return () => unpackParts(matrix, (name) => parts.get(name)!);
}
