import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dequantize } from "../checkpoint/dequantize.ts";
import { randomStream } from "../util/random.ts";
import { gridOptionsSchema } from "./grid-options.ts";
import { quantizeRtn } from "./rtn.ts";

describe("quantizeRtn", () => {
  test("worked example: two rows, two groups of two, 2 bits", () => {
    const weight = { rows: 2, columns: 4, values: Float32Array.of(-1, 2, 0, 3, 0, 0, -3, 0.4) };
    const quantized = quantizeRtn(weight, gridOptionsSchema.parse({ bits: 2, groupSize: 2 }));
    // steps (2 - -1)/3, 3/3, none, (0.4 - -3)/3 = 1.1333 in fp16
    expect([...quantized.scales]).toEqual([1, 1, 2 ** -14, Math.f16round(3.4 / 3)]);
    expect([...quantized.zeroPoints]).toEqual([1, 0, 0, 3]);
    expect([...quantized.codes]).toEqual([0, 3, 0, 3, 0, 0, 0, 3]);
  });

  test("property: 8 bits and small groups stay within a step, and 0 stays 0", () => {
    const values = fc.float32Array({ minLength: 16, maxLength: 16, noNaN: true, min: -8, max: 8 });
    const options = fc.record({
      bits: fc.constantFrom(2, 3, 4, 8),
      symmetric: fc.boolean(),
      range: fc.constantFrom("minmax", "mse"),
      groupSize: fc.constantFrom(4, 8, -1),
    });
    fc.assert(
      fc.property(values, options, (weights, chosen) => {
        const quantized = quantizeRtn(
          { rows: 2, columns: 8, values: weights },
          gridOptionsSchema.parse(chosen),
        );
        const restored = dequantize(quantized);
        for (const [index, weight] of weights.entries()) {
          if (weight === 0) expect(restored[index]).toBe(0);
          if (chosen.range === "mse") continue; // clipping may move a weight by several steps
          const step = quantized.scales[Math.floor(index / quantized.groupSize)]!;
          expect(Math.abs(restored[index]! - weight)).toBeLessThanOrEqual(step * (1 + 255 * 2 ** -11));
        }
      }),
    );
  });

  test("the clip search lowers the error it minimises, Σ|w - ŵ|^2.4, at 2 bits", () => {
    const random = randomStream(1, "clip");
    const weight = {
      rows: 4,
      columns: 64,
      values: Float32Array.from({ length: 256 }, () => random.normal()),
    };
    const error = (range: string): number => {
      const restored = dequantize(
        quantizeRtn(weight, gridOptionsSchema.parse({ bits: 2, groupSize: 32, range })),
      );
      return weight.values.reduce((sum, value, index) => sum + Math.abs(value - restored[index]!) ** 2.4, 0);
    };
    expect(error("mse")).toBeLessThan(error("minmax"));
  });

  test("the symmetric scale absmax / ((2^b - 1) / 2) beats absmax / (2^(b-1) - 1) on normal weights below 8 bits", () => {
    const random = randomStream(1, "symmetric");
    const values = Float32Array.from({ length: 64 * 500 }, () => random.normal());
    for (const bits of [2, 3, 4] as const) {
      const options = gridOptionsSchema.parse({ bits, groupSize: 64, symmetric: true });
      const restored = dequantize(quantizeRtn({ rows: 500, columns: 64, values }, options));
      let [ours, other] = [0, 0];
      for (let start = 0; start < values.length; start += 64) {
        const group = values.subarray(start, start + 64);
        const step = Math.max(...group.map(Math.abs)) / (2 ** (bits - 1) - 1);
        for (const [offset, value] of group.entries()) {
          ours += (restored[start + offset]! - value) ** 2;
          other += (Math.round(value / step) * step - value) ** 2;
        }
      }
      expect(ours).toBeLessThan(0.95 * other);
    }
  });

  test("names the shape and the option when the group size does not divide", () => {
    expect(() =>
      quantizeRtn(
        { rows: 1, columns: 6, values: new Float32Array(6) },
        gridOptionsSchema.parse({ bits: 4, groupSize: 4 }),
      ),
    ).toThrowErrorMatchingInlineSnapshot(
      `[BitmendError: groupWidth(): expected a group size that divides the input features, got 4 and shape [1, 6]. Choose a divisor, or -1 for one group per output channel.]`,
    );
  });
});
