/* oxlint-disable eslint/no-await-in-loop -- small sums, nothing to run in parallel */
import { describe, expect, test } from "vitest";
import { dequantize } from "../checkpoint/dequantize.ts";
import { randomStream } from "../util/random.ts";
import { quantizeGptq } from "./gptq.ts";
import { gptqOptionsSchema } from "./gptq-options.ts";
import { factorHessian } from "./hessian-factor.ts";
import { outputError } from "./layer-error.ts";
import type { Matrix } from "./matrix.ts";
import { quantizeRtn } from "./rtn.ts";

const options = (chosen: object) => gptqOptionsSchema.parse({ bits: 3, groupSize: 16, ...chosen });

/** Random weights and the Gram matrix of correlated inputs: `rank` sources mixed, plus a little noise. */
function problem(seed: number, { rows = 5, columns = 48, rank = 6 } = {}): { weight: Matrix; gram: Matrix } {
  const random = randomStream(seed, "gptq");
  const normals = (length: number): Float64Array => Float64Array.from({ length }, () => random.normal());
  const mixing = normals(rank * columns);
  const gram = new Float64Array(columns * columns);
  for (let token = 0; token < 3 * columns; token++) {
    const sources = normals(rank);
    const inputs = normals(columns).map((noise, column) =>
      sources.reduce((sum, source, k) => sum + source * mixing[k * columns + column]!, 0.2 * noise),
    );
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++)
        gram[i * columns + j] = gram[i * columns + j]! + inputs[i]! * inputs[j]!;
    }
  }
  return {
    weight: { rows, columns, values: Float32Array.from(normals(rows * columns)) },
    gram: { rows: columns, columns, values: Float32Array.from(gram) },
  };
}

describe("quantizeGptq", () => {
  test("worked example: the second column makes up for half of the first one's error", async () => {
    // Inputs 1 and 2 correlate with 0.5: U_12 / U_11 = -0.5. Grid 0..3 with step 1.
    // 1.4 -> 1 leaves 0.4; 0.4 + 0.5 · 0.4 = 0.6 -> 1, where rounding to nearest gives 0.
    const weight = { rows: 1, columns: 3, values: Float32Array.of(1.4, 0.4, 3) };
    const gram = { rows: 3, columns: 3, values: Float32Array.of(1, 0.5, 0, 0.5, 1, 0, 0, 0, 1) };
    const chosen = options({ bits: 2, groupSize: -1, dampingFraction: 0, columnOrder: "natural" });
    const quantized = await quantizeGptq(weight, gram, chosen);
    expect([...quantized.codes]).toEqual([1, 1, 3]);
    expect([...quantizeRtn(weight, chosen).codes]).toEqual([1, 0, 3]);
    // 0.4² + 0.6² - 0.4 · 0.6 = 0.28 against 0.4² + 0.4² + 0.4 · 0.4 = 0.48
    const energy = 1.4 ** 2 + 0.4 ** 2 + 1.4 * 0.4 + 9;
    expect(outputError(weight, quantized, gram)).toBeCloseTo(0.28 / energy, 6);
    expect(outputError(weight, quantizeRtn(weight, chosen), gram)).toBeCloseTo(0.48 / energy, 6);
  });

  test.each(["natural", "activation"])("uncorrelated inputs: GPTQ is RTN (%s order)", async (columnOrder) => {
    const { weight } = problem(1);
    const gram = {
      rows: 48,
      columns: 48,
      values: Float32Array.from({ length: 48 * 48 }, (_, index) => (index % 49 === 0 ? 1 + (index % 5) : 0)),
    };
    const chosen = options({ columnOrder });
    expect(await quantizeGptq(weight, gram, chosen)).toEqual(quantizeRtn(weight, chosen));
  });

  test("a Gram matrix of zeros, from inputs that never fire, gives RTN", async () => {
    const { weight } = problem(1);
    const gram = { rows: 48, columns: 48, values: new Float32Array(48 * 48) };
    expect(await quantizeGptq(weight, gram, options({}))).toEqual(quantizeRtn(weight, options({})));
  });

  test.each(["natural", "activation"])(
    "block size changes nothing, bit for bit (%s order)",
    async (columnOrder) => {
      const { weight, gram } = problem(2, { rows: 11 });
      for (const range of ["minmax", "mse"]) {
        for (const groupSize of [8, 16, -1]) {
          const chosen = { columnOrder, range, groupSize };
          const expected = await quantizeGptq(weight, gram, options({ ...chosen, blockSize: 1000 }));
          for (const blockSize of [1, 2, 5, 16, 24]) {
            expect(await quantizeGptq(weight, gram, options({ ...chosen, blockSize }))).toEqual(expected);
          }
        }
      }
    },
  );

  test("activation order: the order in which features are stored changes nothing within a channel", async () => {
    const { weight, gram } = problem(3);
    const { rows, columns } = weight;
    const from = randomStream(3, "permutation").shuffle([...Array(columns).keys()]);
    const permuted = await quantizeGptq(
      {
        rows,
        columns,
        values: weight.values.map((_, at) => weight.values[at - (at % columns) + from[at % columns]!]!),
      },
      {
        ...gram,
        values: gram.values.map(
          (_, at) => gram.values[from[Math.floor(at / columns)]! * columns + from[at % columns]!]!,
        ),
      },
      options({ groupSize: -1 }),
    );
    const straight = await quantizeGptq(weight, gram, options({ groupSize: -1 }));
    expect(permuted.scales).toEqual(straight.scales);
    expect(permuted.codes).toEqual(
      straight.codes.map((_, at) => straight.codes[at - (at % columns) + from[at % columns]!]!),
    );
  });

  test("scaling all inputs, or splitting the rows, changes nothing", async () => {
    const { weight, gram } = problem(4, { rows: 12 });
    const expected = await quantizeGptq(weight, gram, options({}));
    const louder = { ...gram, values: gram.values.map((value) => value * 1024) };
    expect(await quantizeGptq(weight, louder, options({}))).toEqual(expected);
    const lastRows = { rows: 3, columns: 48, values: weight.values.slice(9 * 48) };
    expect((await quantizeGptq(lastRows, gram, options({}))).codes).toEqual(expected.codes.slice(9 * 48));
  });

  test("property: a lower output error than RTN on the calibration inputs, on every one of 30 problems but at most one", async () => {
    let worse = 0;
    const gains: number[] = [];
    for (let seed = 0; seed < 30; seed++) {
      const { weight, gram } = problem(seed, { rows: 4, columns: 32, rank: 4 });
      const chosen = options({
        bits: ([2, 3, 4] as const)[seed % 3],
        symmetric: seed % 2 === 0,
        columnOrder: seed % 4 < 2 ? "natural" : "activation",
      });
      const gain =
        outputError(weight, await quantizeGptq(weight, gram, chosen), gram) /
        outputError(weight, quantizeRtn(weight, chosen), gram);
      gains.push(Math.log(gain));
      if (gain > 1) worse++;
    }
    expect(worse).toBeLessThanOrEqual(1);
    expect(Math.exp(gains.reduce((sum, gain) => sum + gain, 0) / gains.length)).toBeLessThan(0.5);
  });

  test("the squared errors e sum up to the damped output error (the quantity GPTQ minimises greedily)", async () => {
    const { weight, gram } = problem(5);
    const chosen = options({ columnOrder: "natural", dampingFraction: 0.01 });
    const restored = dequantize(await quantizeGptq(weight, gram, chosen));
    const { inverseFactor } = await factorHessian(gram, chosen);
    // D = E·U (gptq.ts), so E = D·U⁻¹ by forward substitution, and ‖E‖² = tr(D·H·Dᵀ).
    let [squaredErrors, damped] = [0, 0];
    const mean =
      Array.from({ length: 48 }, (_, i) => gram.values[i * 49]!).reduce((sum, value) => sum + value) / 48;
    for (let row = 0; row < weight.rows; row++) {
      const moved = Array.from(
        { length: 48 },
        (_, i) => weight.values[row * 48 + i]! - restored[row * 48 + i]!,
      );
      const errors: number[] = [];
      for (let i = 0; i < 48; i++) {
        const earlier = errors.reduce((sum, error, j) => sum + error * inverseFactor[j * 48 + i]!, 0);
        errors.push((moved[i]! - earlier) / inverseFactor[i * 49]!);
        for (let j = 0; j < 48; j++) damped += moved[i]! * gram.values[i * 48 + j]! * moved[j]!;
        damped += 0.01 * mean * moved[i]! ** 2;
      }
      squaredErrors += errors.reduce((sum, error) => sum + error ** 2, 0);
    }
    expect(squaredErrors / damped).toBeCloseTo(1, 9);
  });

  test("a feature that never fires is rounded to nearest and leaves the others alone", async () => {
    const { weight, gram } = problem(6);
    const dead = 7;
    const values = gram.values.map((value, at) =>
      at % 48 === dead || Math.floor(at / 48) === dead ? 0 : value,
    );
    const quantized = await quantizeGptq(weight, { ...gram, values }, options({}));
    const nearest = quantizeRtn(weight, options({}));
    for (let row = 0; row < weight.rows; row++) {
      expect(quantized.codes[row * 48 + dead]).toBe(nearest.codes[row * 48 + dead]);
    }
  });

  test("refuses matrices that do not fit", async () => {
    const { weight, gram } = problem(1);
    const small = { rows: 2, columns: 2, values: Float32Array.of(1, 0, 0, 1) };
    for (const attempt of [
      () => quantizeGptq(weight, small, options({})),
      () => quantizeGptq(weight, gram, options({ groupSize: 32 })),
    ]) {
      await expect(attempt()).rejects.toThrow(expect.objectContaining({ code: "quantization/bad-options" }));
    }
  });
});

describe("factorHessian", () => {
  const settings = { dampingFraction: 0.01, columnOrder: "natural" } as const;

  test("damping grows until the Hessian is positive definite", async () => {
    // Eigenvalues 1.1 and -0.1 around the mean diagonal 0.5: 0.01 fails, 0.1 is 0.05 short, 1 passes.
    const gram = { rows: 2, columns: 2, values: Float32Array.of(0.5, 0.6, 0.6, 0.5) };
    expect((await factorHessian(gram, settings)).dampingFraction).toBe(1);
    const singular = { rows: 2, columns: 2, values: Float32Array.of(1, 1, 1, 1) };
    expect((await factorHessian(singular, settings)).dampingFraction).toBe(0.01);
    expect((await factorHessian(singular, { ...settings, dampingFraction: 0 })).dampingFraction).toBe(1e-4);
  });

  test("refuses what is no Gram matrix", async () => {
    for (const values of [[1, 5, 5, 1], [1, Number.NaN, 0, 1], [1, 0, 0, Number.POSITIVE_INFINITY], [1]]) {
      await expect(
        factorHessian({ rows: 2, columns: 2, values: Float32Array.from(values) }, settings),
      ).rejects.toThrow(expect.objectContaining({ code: "quantization/bad-gram-matrix" }));
    }
  });

  test("Uᵀ·U is the inverse of the damped Hessian, in rounding order", async () => {
    const { gram } = problem(8, { columns: 20 });
    const { order, inverseFactor } = await factorHessian(gram, { ...settings, columnOrder: "activation" });
    const diagonal = [...order].map((feature) => gram.values[feature * 21]!);
    expect(diagonal).toEqual(diagonal.toSorted((left, right) => right - left));
    const damping = (0.01 * diagonal.reduce((sum, value) => sum + value)) / 20;
    const at = (i: number, j: number): number =>
      gram.values[order[i]! * 20 + order[j]!]! + (i === j ? damping : 0);
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < 20; j++) {
        let identity = 0;
        for (let k = 0; k < 20; k++) {
          for (let m = 0; m < 20; m++)
            identity += inverseFactor[m * 20 + i]! * inverseFactor[m * 20 + k]! * at(k, j);
        }
        expect(identity).toBeCloseTo(i === j ? 1 : 0, 8);
      }
    }
  });
});
