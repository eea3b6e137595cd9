import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dequantize } from "../../checkpoint/dequantize.ts";
import type { QuantizedMatrix } from "../../checkpoint/quantized-matrix.ts";
import { EngineWorker } from "../../engine/index.ts";
import { gradients } from "../../graph/gradients.ts";
import { Graph } from "../../graph/graph.ts";
import { gemm, multiply, reduceSum } from "../../graph/operations.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { LinearSite } from "../linear-sites.ts";
import { fakeQuantize } from "./fake-quantized.ts";
import { packFourBits } from "./four-bit-matrix.ts";
import { lora } from "./lora.ts";
import { nBit, nBitProduct } from "./n-bit.ts";
import { tap } from "./tap.ts";

let worker: EngineWorker;
beforeAll(async () => {
  worker = await EngineWorker.start({ threads: 1 });
});
afterAll(async () => worker[Symbol.asyncDispose]());

/** Values of tensors of a graph without inputs. */
async function evaluate(graph: Graph, outputs: Record<string, Tensor>): Promise<Record<string, number[]>> {
  const session = await worker.load(graph.build(outputs));
  const results = await session.run({});
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Array.from(data, Number)]),
  );
}

/** A constant that gradients can be asked for. */
function learned(graph: Graph, shape: readonly number[], values: readonly number[]): Tensor {
  return { ...graph.constant("f32", shape, values), requiresGradient: true };
}

const site: LinearSite = { name: "m", layer: 0, kind: "q", inFeatures: 4, outFeatures: 2, hasBias: false };

/** x · wᵀ for a weight that is the same everywhere. */
function constantLinear(graph: Graph, weight: readonly number[]): (input: Tensor, at: LinearSite) => Tensor {
  return (input, { outFeatures, inFeatures }) =>
    gemm(input, graph.constant("f32", [outFeatures, inFeatures], weight), { transposeB: true });
}

describe("fake quantization", () => {
  // One row, two groups of two; bits 2: codes 0 … 3. Scale 0.5, zero point 1 | scale 1, zero point 2.
  const weight = [0.6, 5, -0.4, -9];

  async function run(outputGradient: readonly number[]): Promise<Record<string, number[]>> {
    const graph = new Graph();
    const parts = {
      weight: learned(graph, [1, 4], weight),
      scale: learned(graph, [1, 2], [0.5, 1]),
      zeroPoint: learned(graph, [1, 2], [1.2, 2]),
    };
    const restored = fakeQuantize({ ...parts, bits: 2 });
    const loss = reduceSum(multiply(restored, graph.constant("f32", [1, 4], outputGradient)), {
      axes: [0, 1],
    });
    const [weightGradient, scaleGradient, zeroGradient] = gradients(loss, Object.values(parts));
    return evaluate(graph, {
      restored,
      weightGradient: weightGradient!,
      scaleGradient: scaleGradient!,
      zeroGradient: zeroGradient!,
    });
  }

  test("worked example: 0.6 is code 2, 5 is clipped to 3; -0.4 is code 2, -9 is clipped to 0", async () => {
    const { restored } = await run([1, 1, 1, 1]);
    expect(restored).toEqual([0.5, 1, 0, -2]);
  });

  test("gradients are those of the file's table: inside the grid, then outside it", async () => {
    const inside = await run([1, 0, 1, 0]);
    expect(inside["weightGradient"]).toEqual([1, 0, 1, 0]);
    expect(inside["scaleGradient"]).toBeAllClose([1 - 0.6 / 0.5, 0 + 0.4], { relative: 1e-6 });
    expect(inside["zeroGradient"]).toEqual([0, 0]);
    const outside = await run([0, 1, 0, 1]);
    expect(outside["weightGradient"]).toEqual([0, 0, 0, 0]);
    expect(outside["scaleGradient"]).toEqual([3 - 1, 0 - 2]);
    expect(outside["zeroGradient"]).toEqual([-0.5, -1]);
  });

  test("a scale counts as fp16 stores it", async () => {
    const graph = new Graph();
    const restored = fakeQuantize({
      weight: graph.constant("f32", [1, 1], [1]),
      scale: graph.constant("f32", [1, 1], [0.1]),
      zeroPoint: graph.constant("f32", [1, 1], [0]),
      bits: 8,
    });
    expect((await evaluate(graph, { restored }))["restored"]).toEqual([10 * 0.0999755859375]);
  });
});

describe("low-rank adaptation", () => {
  test("worked example: w·x + scaling · B·A·x", async () => {
    const graph = new Graph();
    const linear = lora({
      base: constantLinear(graph, [1, 0, 0, 0, 0, 1, 0, 0]),
      factors: () => ({
        down: graph.constant("f32", [1, 4], [1, 1, 1, 1]),
        up: graph.constant("f32", [2, 1], [1, -1]),
      }),
      scaling: 0.5,
    });
    const output = linear(graph.constant("f32", [1, 4], [1, 2, 3, 4]), site);
    expect((await evaluate(graph, { output }))["output"]).toEqual([1 + 5, 2 - 5]);
  });
});

describe("calibration taps", () => {
  test("worked example: XᵀX, sums and maxima of the tokens that count, once per activation", async () => {
    const graph = new Graph();
    const { linear, activations, inputs } = tap({
      base: constantLinear(graph, [1, 0, 0, 1]),
      tokenWeights: graph.constant("f32", [3, 1], [1, 1, 0]),
    });
    const input = graph.constant("f32", [3, 2], [1, 2, -3, -4, 100, 100]);
    const narrow = { ...site, inFeatures: 2 };
    for (const name of ["q", "k"]) linear(input, { ...narrow, name });
    expect([...activations.keys()]).toEqual(["q"]);
    expect([...inputs.keys()]).toEqual(["q", "k"]);
    expect(await evaluate(graph, { ...activations.get("q") })).toEqual({
      counted: [1, 2, -3, -4, 0, 0],
      gram: [10, 14, 14, 20],
      absoluteSum: [4, 6],
      absoluteMaximum: [3, 4],
    });
  });
});

describe("low-bit linears", () => {
  const matrix: QuantizedMatrix = {
    bits: 4,
    rows: 1,
    columns: 32,
    groupSize: 16,
    symmetric: false,
    codes: Uint8Array.from({ length: 32 }, (_, column) => column % 16),
    scales: Float32Array.of(0.5, 2),
    zeroPoints: Uint8Array.of(3, 8),
  };

  test("worked example: the even column lies in the low half of its byte, zero points likewise", () => {
    const packed = packFourBits(matrix);
    expect(packed.blockSize).toBe(16);
    expect([...packed.codes.subarray(0, 3)]).toEqual([0x10, 0x32, 0x54]);
    expect([...packed.zeroPoints]).toEqual([0x83]);
  });

  test("one group per row becomes equal blocks, the last of them padded", () => {
    const packed = packFourBits({
      ...matrix,
      columns: 24,
      groupSize: 24,
      codes: matrix.codes.subarray(8),
      scales: Float32Array.of(0.5),
    });
    expect(packed).toMatchObject({ blockSize: 32, columns: 24, scales: Float32Array.of(0.5) });
    expect(packed.codes.length).toBe(16);
  });

  test("the gradient of the input is that of the dequantized weight", async () => {
    const graph = new Graph();
    const input = learned(
      graph,
      [2, 32],
      Array.from({ length: 64 }, (_, index) => index / 64),
    );
    const [gradient] = gradients(reduceSum(nBitProduct(input, matrix), { axes: [0, 1] }), [input]);
    const weight = dequantize(matrix);
    expect((await evaluate(graph, { gradient: gradient! }))["gradient"]).toBeAllClose([...weight, ...weight]);
  });

  test("a group size that no block fits is refused", () => {
    const base = constantLinear(new Graph(), []);
    const odd = { ...matrix, columns: 24, groupSize: 12 };
    expect(() =>
      nBit(() => odd, base)(
        new Graph().constant(
          "f32",
          [1, 24],
          Array.from({ length: 24 }, () => 0),
        ),
        { ...site, inFeatures: 24, outFeatures: 1 },
      ),
    ).toThrowErrorMatchingInlineSnapshot(
      `[BitmendError: packFourBits(): expected a group size divisible by 16, or whole rows, got 12 of 24 columns.]`,
    );
  });
});
