import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { groupEnergies, rowEnergy } from "../../test/float64-energies.ts";
import { awqCandidates, searchAwqScales, weightMagnitudes } from "./awq-scales.ts";
import { gridOptionsSchema, type GridOptions } from "./grid-options.ts";
import { outputError } from "./layer-error.ts";
import type { Matrix } from "./matrix.ts";
import { searchOutputGrids } from "./output-clip.ts";
import { quantizeRtn } from "./rtn.ts";
import { smoothQuantScales } from "./smoothquant-scales.ts";
import { storableScales } from "./storable-scales.ts";

const matrix = (rows: number, values: readonly number[]): Matrix => ({
  rows,
  columns: values.length / rows,
  values: Float32Array.from(values),
});

/** A weight and the Gram matrix of integer inputs, one channel of which may be much larger. */
const layer = fc
  .record({
    weights: fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 24, maxLength: 24 }),
    inputs: fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 48, maxLength: 48 }),
    outlier: fc.constantFrom(1, 16),
    bits: fc.constantFrom<GridOptions["bits"][]>(2, 3, 4),
    symmetric: fc.boolean(),
  })
  .map(({ weights, inputs, outlier, bits, symmetric }) => {
    const tokens = Array.from({ length: 6 }, (_, token) =>
      inputs
        .slice(8 * token, 8 * token + 8)
        .map((value, channel) => (channel === 3 ? value * outlier : value)),
    );
    const columns = [...tokens[0]!.keys()];
    const gram = columns.flatMap((row) =>
      columns.map((column) => tokens.reduce((sum, token) => sum + token[row]! * token[column]!, 0)),
    );
    const meanAbsolute = columns.map((column) =>
      tokens.reduce((sum, token) => sum + Math.abs(token[column]!) / 6, 0),
    );
    return {
      weight: matrix(
        3,
        weights.map((value) => value / 64),
      ),
      gram: matrix(8, gram),
      meanAbsolute: Float64Array.from(meanAbsolute),
      grid: gridOptionsSchema.parse({ bits, symmetric, groupSize: 4 }),
    };
  });

describe("AWQ's scales", () => {
  test("worked example: exponents 0 and 1/2 of magnitudes 1 and 4, weights of relative size 1 and 1/4", () => {
    const [paper, ratio0, ratioHalf] = awqCandidates(Float64Array.of(1, 4), Float64Array.of(1, 0.25), 2);
    // 1^½ and 4^½ by their geometric mean √2
    expect(paper).toBeAllClose([Math.SQRT1_2, Math.SQRT2]);
    // 1 and 1 / ¼ = 4 by 2; 1e-4 is added to what divides
    expect(ratio0).toBeAllClose([0.5, 2], { relative: 1e-3 });
    // 1 and 2 / ½ = 4 by 2
    expect(ratioHalf).toBeAllClose([0.5, 2], { relative: 1e-3 });
  });

  test("a channel that was never excited keeps scale 1", () => {
    for (const scales of awqCandidates(Float64Array.of(1, 0, 4), Float64Array.of(1, 1, 1), 4))
      expect(scales[1]).toBe(1);
  });

  test("worked example: a weight's magnitude is relative to the largest of its group", () => {
    const grid = gridOptionsSchema.parse({ bits: 4, groupSize: 2 });
    const weight = matrix(2, [1, -2, 3, 0, 4, 4, 0, 5]);
    const means = weightMagnitudes([{ weight, grid }]);
    expect(means).toBeAllClose([0.75, 1, 0.5, 0.5], { relative: 1e-5 });
  });

  test("property: the output error is never more than that of plain rounding", async () => {
    await fc.assert(
      fc.asyncProperty(layer, async ({ weight, gram, meanAbsolute, grid }) => {
        const { loss, plainLoss, scales } = await searchAwqScales(
          {
            readers: [{ weight, grid }],
            inputs: { meanAbsolute, gram },
            channels: Uint32Array.from({ length: 8 }, (_, channel) => channel),
            storable: (wanted) => ({ scales: wanted, divided: null }),
            energy: rowEnergy,
          },
          5,
        );
        expect(loss).toBeLessThanOrEqual(plainLoss);
        const energy = await rowEnergy(weight, gram);
        if (energy === 0) return;
        expect(plainLoss).toBeCloseTo(outputError(weight, quantizeRtn(weight, grid), gram), 5);
        expect(scales.every((scale) => scale > 0 && Number.isFinite(scale))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

test("property: AWQ's clip search never adds to the output error of a group", async () => {
  await fc.assert(
    fc.asyncProperty(layer, async ({ weight, gram, grid }) => {
      const grids = await searchOutputGrids(weight, grid, { gram, groupEnergies });
      const clipped = quantizeRtn(weight, grid, grids);
      const plain = quantizeRtn(weight, grid);
      for (const firstColumn of [0, 4]) {
        const block = matrix(
          8,
          Array.from(gram.values, (value, index) =>
            Math.floor(index / 8 / 4) * 4 === firstColumn && Math.floor((index % 8) / 4) * 4 === firstColumn
              ? value
              : 0,
          ),
        );
        const [after, before] = [clipped, plain].map((one) => outputError(weight, one, block));
        expect(after!).toBeLessThanOrEqual(before! * (1 + 1e-5) + 1e-12);
      }
    }),
    { numRuns: 30 },
  );
});

describe("SmoothQuant's scales", () => {
  test("worked example: alpha ½, activations to 16, weights to ¼ and 1", () => {
    const weights = [matrix(1, [0.25, -1, 0]), matrix(1, [0.125, 0.5, 0])];
    const scales = smoothQuantScales(weights, {
      maxAbsolute: Float32Array.of(16, 16, 3),
      channels: Uint32Array.of(0, 1, 2),
      alpha: 0.5,
    });
    // 16^½ / ¼^½, 16^½ / 1^½; no weight reads the last channel
    expect([...scales]).toEqual([8, 4, 1]);
  });

  test("columns of one channel count together: the largest activation, the largest weight", () => {
    const scales = smoothQuantScales([matrix(1, [1, 0.25, 4, 0.125])], {
      maxAbsolute: Float32Array.of(4, 1, 2, 1),
      channels: Uint32Array.of(0, 1, 0, 1),
      alpha: 0.5,
    });
    expect([...scales]).toEqual([1, 2]);
  });
});

describe("storable scales", () => {
  const wanted = Float64Array.of(3, 3, 1e-40);

  test("what a bfloat16 gain cannot hold moves into the scale", () => {
    const { scales, divided } = storableScales(wanted, Float32Array.of(1, 0, 2), {
      dataType: "BF16",
      kind: "gain",
    });
    // 1/3 is 0.333984375 in bfloat16; a gain of 0 carries nothing; 2e40 is beyond bfloat16
    expect([...divided!]).toEqual([0.333984375, 0, 2]);
    expect([...scales]).toEqual([1 / 0.333984375, 1, 1]);
  });

  test("a channel without bias takes the scale as it is, and without a vector all do", () => {
    const asked = Float64Array.of(3, 5);
    const bias = storableScales(asked, Float32Array.of(0, 5), { dataType: "F32", kind: "bias" });
    expect([...bias.scales]).toEqual([3, 5]);
    expect([...bias.divided!]).toEqual([0, 1]);
    expect(storableScales(asked, null, { dataType: undefined, kind: "bias" })).toEqual({
      scales: asked,
      divided: null,
    });
  });
});
