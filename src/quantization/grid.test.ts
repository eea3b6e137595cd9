import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encode, roundHalfToEven, spanningGrid, weightRange } from "./grid.ts";

const kinds = fc.record({
  bits: fc.constantFrom<(2 | 3 | 4 | 8)[]>(2, 3, 4, 8),
  symmetric: fc.boolean(),
});
const groups = fc
  .array(fc.double({ min: -30, max: 30, noNaN: true }), { minLength: 1, maxLength: 16 })
  .chain((values) => fc.constantFrom(1, 1e-4, 1e-9).map((unit) => values.map((value) => value * unit)));

describe("spanningGrid", () => {
  test("worked example: asymmetric, 2 bits", () => {
    // (2 - -1) / 3 = 1, and 0 sits at code 1
    const grid = spanningGrid(weightRange(Float64Array.of(-1, 0, 1, 2)), { bits: 2, symmetric: false });
    expect(grid).toEqual({ scale: 1, zeroPoint: 1 });
    expect([-1, 0, 1, 2].map((weight) => encode(weight, grid, 3))).toEqual([0, 1, 2, 3]);
  });

  test("worked example: symmetric, 2 bits, scale absmax / 1.5", () => {
    const grid = spanningGrid(weightRange(Float64Array.of(-3, 0, 1, 2)), { bits: 2, symmetric: true });
    expect(grid).toEqual({ scale: 2, zeroPoint: 2 });
    expect([-3, 0, 1, 2].map((weight) => encode(weight, grid, 3))).toEqual([0, 2, 2, 3]);
  });

  test("property: scales are fp16, 0 is on the grid, and no weight of the group moves by more than half a step where codes reach", () => {
    fc.assert(
      fc.property(groups, kinds, (values, kind) => {
        const maxCode = 2 ** kind.bits - 1;
        const grid = spanningGrid(weightRange(Float64Array.from(values)), kind);
        expect(grid.scale).toBeGreaterThan(0);
        expect(Math.f16round(grid.scale)).toBe(grid.scale);
        expect(encode(0, grid, maxCode)).toBe(grid.zeroPoint);
        for (const value of values) {
          const moved = Math.abs((encode(value, grid, maxCode) - grid.zeroPoint) * grid.scale - value);
          // half a step to the nearest code, up to half a step more at an end of the range (zero point rounded, or the
          // symmetric range's missing last code), and the scale's own rounding to fp16: 2^-11 of 255 steps
          expect(moved).toBeLessThanOrEqual(grid.scale * (1 + 255 * 2 ** -11));
        }
      }),
    );
  });

  test.each([{ symmetric: true }, { symmetric: false }])("degenerate groups, %o", ({ symmetric }) => {
    const restore = (values: number[]): number[] => {
      const grid = spanningGrid(weightRange(Float64Array.from(values)), { bits: 4, symmetric });
      return values.map((value) => (encode(value, grid, 15) - grid.zeroPoint) * grid.scale);
    };
    expect(restore([0, 0, 0])).toEqual([0, 0, 0]);
    for (const tiny of [1e-30, 5e-324]) expect(restore([tiny, 0, -tiny])).toEqual([0, 0, 0]);
    for (const constant of [0.25, -0.25]) {
      for (const restored of restore([constant, constant])) {
        expect(Math.abs(restored - constant)).toBeLessThan(0.02);
      }
    }
  });

  test("refuses a range that fp16 scales cannot span", () => {
    for (const high of [1e9, Number.POSITIVE_INFINITY]) {
      expect(() => spanningGrid({ low: 0, high }, { bits: 4, symmetric: false })).toThrow(
        expect.objectContaining({ code: "quantization/unrepresentable" }),
      );
    }
  });
});

test.each([
  [0.5, 0],
  [1.5, 2],
  [2.5, 2],
  [-0.5, 0],
  [-1.5, -2],
  [-2.5, -2],
  [2.4, 2],
  [254.5, 254],
  [0.499_999_999_999_999_94, 0],
])("roundHalfToEven(%f) is %f, as torch.round", (value, expected) => {
  expect(roundHalfToEven(value)).toBe(expected);
});
