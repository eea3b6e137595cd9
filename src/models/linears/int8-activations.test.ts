import { assert, asyncProperty, constantFrom, integer, record } from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dequantize } from "../../checkpoint/dequantize.ts";
import type { QuantizedMatrix } from "../../checkpoint/quantized-matrix.ts";
import { EngineWorker } from "../../engine/index.ts";
import { gradients } from "../../graph/gradients.ts";
import { Graph } from "../../graph/graph.ts";
import { reduceSum } from "../../graph/operations.ts";
import { randomStream } from "../../util/random.ts";
import { roundActivations } from "./int8-activations.ts";
import { nBitProduct } from "./n-bit.ts";

let worker: EngineWorker;
beforeAll(async () => {
  worker = await EngineWorker.start({ threads: 1 });
});
afterAll(async () => worker[Symbol.asyncDispose]());

/** Codes, scales and product of `values` [tokens, columns]. */
async function run(values: readonly number[], matrix: QuantizedMatrix): Promise<Record<string, number[]>> {
  const graph = new Graph();
  const shape = [values.length / matrix.columns, matrix.columns];
  const input = graph.input("input", "f32", ["tokens", matrix.columns]);
  const session = await worker.load(
    graph.build({ ...roundActivations(input), output: nBitProduct(input, matrix) }),
  );
  const results = await session.run({ input: { dataType: "f32", shape, data: Float32Array.from(values) } });
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Array.from(data, Number)]),
  );
}

const small: QuantizedMatrix = {
  bits: 8,
  rows: 2,
  columns: 4,
  groupSize: 4,
  symmetric: true,
  codes: Uint8Array.of(129, 130, 128, 127, 255, 0, 128, 128),
  scales: Float32Array.of(0.5, 2),
  zeroPoints: Uint8Array.of(128, 128),
  activations: "int8-per-token",
};

describe("int8 activations", () => {
  test("worked example: halves go to the even code, 127.5 stays inside, a token of zeros gives zeros", async () => {
    const { codes, scales, output } = await run([127.5, 0.5, 1.5, -2.5, 0, 0, 0, 0], small);
    expect(scales).toEqual([1, 2 ** -23]);
    expect(codes).toEqual([127, 0, 2, -2, 0, 0, 0, 0]);
    // [127, 0, 2, -2] with [1, 2, 0, -1] and [127, -128, 0, 0].
    expect(output).toEqual([(127 + 2) * 0.5, 127 * 127 * 2, 0, 0]);
  });

  test("property: the product is that of the integers, each token's whatever its neighbours, at extreme codes too", async () => {
    const cases = record({
      rows: integer({ min: 1, max: 20 }),
      columns: integer({ min: 1, max: 200 }),
      tokens: constantFrom(1, 2, 3, 17),
      seed: integer(),
    });
    await assert(
      asyncProperty(cases, async ({ rows, columns, tokens, seed }) => {
        const random = randomStream(seed, "int8");
        const extreme = random.next() < 0.3;
        const matrix: QuantizedMatrix = {
          ...small,
          rows,
          columns,
          groupSize: columns,
          symmetric: false,
          codes: Uint8Array.from({ length: rows * columns }, () => (extreme ? 255 : random.integer(256))),
          scales: Float32Array.from({ length: rows }, () => 2 ** -random.integer(5)),
          zeroPoints: Uint8Array.from({ length: rows }, () => (extreme ? 0 : random.integer(256))),
        };
        // The largest value makes the scale 1.
        const values = Array.from({ length: tokens * columns }, (_, index) => {
          return extreme || index % columns === 0 ? -127.5 : random.integer(256) - 127.5;
        });
        const { codes, output } = await run(values, matrix);
        const weights = dequantize(matrix);
        const expected = Array.from({ length: tokens * rows }, (_, at) => {
          const [token, row] = [Math.floor(at / rows), at % rows];
          let sum = 0;
          for (let column = 0; column < columns; column++)
            sum += codes![token * columns + column]! * weights[row * columns + column]!;
          return sum;
        });
        expect(output).toEqual(expected.map((value) => value + 0));
        const alone = await run(values.slice(0, columns), matrix);
        expect(alone["output"]).toEqual(output!.slice(0, rows));
      }),
      { numRuns: 25 },
    );
  });

  test("several groups a row: the rounded input meets the dequantized weight", async () => {
    const random = randomStream(5, "groups");
    const matrix: QuantizedMatrix = {
      ...small,
      bits: 5,
      rows: 3,
      columns: 64,
      groupSize: 32,
      codes: Uint8Array.from({ length: 192 }, () => random.integer(32)),
      scales: Float32Array.from({ length: 6 }, () => 2 ** -random.integer(4)),
      zeroPoints: new Uint8Array(6).fill(16),
    };
    const { codes, scales, output } = await run(
      Array.from({ length: 64 }, () => random.normal()),
      matrix,
    );
    const weights = dequantize(matrix);
    const expected = [0, 1, 2].map((row) =>
      codes!.reduce((sum, code, column) => sum + code * scales![0]! * weights[row * 64 + column]!, 0),
    );
    expect(output).toBeAllClose(expected, { absolute: 1e-4 });
  });

  test("gradients pass the rounding unchanged", async () => {
    const graph = new Graph();
    const input = { ...graph.constant("f32", [1, 4], [1, 2, 3, 4]), requiresGradient: true };
    const [gradient] = gradients(reduceSum(nBitProduct(input, small), { axes: [0, 1] }), [input]);
    const session = await worker.load(graph.build({ gradient: gradient! }));
    const { gradient: result } = await session.run({});
    const weights = dequantize(small);
    expect(Array.from(result!.data, Number)).toEqual(
      [0, 1, 2, 3].map((column) => weights[column]! + weights[4 + column]!),
    );
  });
});
