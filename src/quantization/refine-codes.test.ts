import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { gptqOptionsSchema } from "./gptq-options.ts";
import { quantizeGptq } from "./gptq.ts";
import { outputError } from "./layer-error.ts";
import type { Matrix } from "./matrix.ts";
import { refineCodes } from "./refine-codes.ts";

const matrix = (rows: number, values: readonly number[]): Matrix => ({
  rows,
  columns: values.length / rows,
  values: Float32Array.from(values),
});

/** Integers 0 to 3 as they are. */
const integers = (codes: readonly number[]): QuantizedMatrix => ({
  bits: 2,
  rows: 1,
  columns: codes.length,
  groupSize: codes.length,
  symmetric: false,
  codes: Uint8Array.from(codes),
  scales: Float32Array.of(1),
  zeroPoints: Uint8Array.of(0),
});

describe("refineCodes", () => {
  test("worked example: two inputs that are nearly the same share one error", async () => {
    // 1.4 and 1.4 go to 1 and 1: for x₁ = x₂ the output misses 0.8. With x₁ = x₂ in nine of ten tokens, 2 and 1 miss 0.2.
    const weight = matrix(1, [1.4, 1.4]);
    const gram = matrix(2, [10, 9, 9, 10]);
    const quantized = integers([1, 1]);
    const before = outputError(weight, { ...quantized, codes: quantized.codes.slice() }, gram);
    await refineCodes(weight, quantized, { gram, dampingFraction: 0, sweeps: 1 });
    // r₁ = 0.4·10 + 0.4·9 = 7.6, so the first code moves by round(0.76) = 1; then r₂ = 7.6 - 9 = -1.4 and the second stays.
    expect([...quantized.codes]).toEqual([2, 1]);
    // dGdᵀ: (0.4, 0.4) gives 6.08, (-0.6, 0.4) gives 0.88; wGwᵀ = 74.48
    expect(before).toBeCloseTo(6.08 / 74.48, 6);
    expect(outputError(weight, quantized, gram)).toBeCloseTo(0.88 / 74.48, 6);
  });

  test("damping holds changes back, and an input that was never excited keeps its code", async () => {
    const weight = matrix(1, [1.4, 1.4, 0.2]);
    const quantized = integers([1, 1, 3]);
    const gram = matrix(3, [10, 9, 0, 9, 10, 0, 0, 0, 0]);
    await refineCodes(weight, quantized, { gram, dampingFraction: 1, sweeps: 3 });
    // (7.6 + 4) / 20 = 0.58: the first still moves; from 2 and 1 nothing moves.
    expect([...quantized.codes]).toEqual([2, 1, 3]);
    const held = integers([1, 1, 3]);
    await refineCodes(weight, held, { gram, dampingFraction: 9, sweeps: 3 });
    // (7.6 + 36) / 100 = 0.44
    expect([...held.codes]).toEqual([1, 1, 3]);
  });

  test("property: the output error of GPTQ's result never grows, and codes stay in range", async () => {
    const inputs = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 64, maxLength: 64 });
    const weights = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 16, maxLength: 16 });
    await fc.assert(
      fc.asyncProperty(inputs, weights, fc.boolean(), async (values, weightValues, symmetric) => {
        const columns = Array.from({ length: 8 }, (_, column) => column);
        const gram = matrix(
          8,
          columns.flatMap((row) =>
            columns.map((column) =>
              columns.reduce((sum, token) => sum + values[8 * token + row]! * values[8 * token + column]!, 0),
            ),
          ),
        );
        const weight = matrix(
          2,
          weightValues.map((value) => value / 64),
        );
        const options = gptqOptionsSchema.parse({ bits: 3, groupSize: 4, symmetric });
        const quantized = await quantizeGptq(weight, gram, options);
        const before = outputError(weight, { ...quantized, codes: quantized.codes.slice() }, gram);
        await refineCodes(weight, quantized, { gram, dampingFraction: 0, sweeps: 5 });
        expect(outputError(weight, quantized, gram)).toBeLessThanOrEqual(before * (1 + 1e-6) + 1e-12);
        expect(quantized.codes.every((code) => code <= 7)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});
