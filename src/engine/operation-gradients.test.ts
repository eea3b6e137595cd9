/**
 * @file Every operation's gradient: in float64 against central differences, and in float32, in the fused forms of the CPU and in those for
 * devices without them, against float64.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as operations from "../graph/index.ts";
import { cpuProfile, Graph, gradients, type DeviceProfile, type Tensor } from "../graph/index.ts";
import { toTypedArray } from "../onnx/index.ts";
import { randomStream } from "../util/random.ts";
import { elementCount, EngineWorker, type EngineSession, type EngineTensor } from "./index.ts";

const {
  abs,
  add,
  batchedMatmul,
  cast,
  causalAttention,
  clip,
  concat,
  crossEntropy,
  divide,
  exp,
  expand,
  gather,
  gatherElements,
  gemm,
  log,
  logSoftmax,
  maximum,
  minimum,
  multiply,
  negate,
  reciprocal,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceSum,
  reshape,
  rmsNorm,
  rotary,
  sigmoid,
  silu,
  slice,
  softmax,
  softplus,
  split,
  sqrt,
  subtract,
  swiGlu,
  transpose,
  where,
} = operations;

interface Case {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly compute: (...inputs: Tensor[]) => Tensor;
  /** Inputs in [0.5, 1.5) instead of [-1, 1). */
  readonly positive?: boolean;
}

const indices = (graph: Graph): Tensor => graph.constant("i64", [5], [1, 0, 1, 3, 1]);
const condition = (graph: Graph): Tensor => graph.constant("bool", [3, 1], [1, 0, 1]);
const transposedShape = (shape: readonly number[], transposed: boolean): readonly number[] =>
  transposed ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;

function rotate(x: Tensor): Tensor {
  const { graph } = x;
  const table = (angle: (value: number) => number): Tensor =>
    graph.constant(
      graph.floatType,
      [4, 2],
      Array.from({ length: 8 }, (_, index) => angle(index)),
    );
  const positions = graph.constant("i64", [2, 3], [0, 1, 2, 1, 2, 3]);
  return rotary(x, { positions, cos: table(Math.cos), sin: table(Math.sin) });
}

const cases: Case[] = [
  { name: "add, broadcasting", shapes: [[3, 4], [4]], compute: (a, b) => add(a, b) },
  {
    name: "subtract, broadcasting both",
    shapes: [
      [2, 1, 4],
      [3, 1],
    ],
    compute: (a, b) => subtract(a, b),
  },
  {
    name: "multiply, broadcasting",
    shapes: [
      [3, 1],
      [3, 4],
    ],
    compute: (a, b) => multiply(a, b),
  },
  { name: "divide, broadcasting", shapes: [[3, 4], [4]], compute: (a, b) => divide(a, b), positive: true },
  { name: "negate", shapes: [[5]], compute: (a) => negate(a) },
  { name: "exp", shapes: [[5]], compute: (a) => exp(a) },
  { name: "log", shapes: [[5]], compute: (a) => log(a), positive: true },
  { name: "sqrt", shapes: [[5]], compute: (a) => sqrt(a), positive: true },
  { name: "reciprocal", shapes: [[5]], compute: (a) => reciprocal(a), positive: true },
  { name: "abs", shapes: [[5]], compute: (a) => abs(a) },
  { name: "sigmoid", shapes: [[5]], compute: (a) => sigmoid(a) },
  { name: "silu", shapes: [[5]], compute: (a) => silu(a) },
  { name: "softplus", shapes: [[5]], compute: (a) => softplus(a) },
  { name: "clip, masked", shapes: [[9]], compute: (a) => clip(a, { low: -0.5, high: 0.5 }) },
  { name: "minimum", shapes: [[3, 4], [4]], compute: (a, b) => minimum(a, b) },
  { name: "maximum", shapes: [[3, 4], [4]], compute: (a, b) => maximum(a, b) },
  { name: "where", shapes: [[3, 4], [4]], compute: (a, b) => where(condition(a.graph), a, b) },
  { name: "cast", shapes: [[4]], compute: (a) => multiply(a, cast(cast(a, "f64"), a.dataType)) },
  { name: "reduceSum", shapes: [[3, 4, 2]], compute: (a) => reduceSum(a, { axes: [0, -1] }) },
  { name: "reduceMean", shapes: [[3, 4, 2]], compute: (a) => reduceMean(a, { axes: [1], keepDims: true }) },
  { name: "reduceMax", shapes: [[3, 5]], compute: (a) => reduceMax(a, { axes: [-1] }) },
  { name: "reduceMin", shapes: [[3, 5]], compute: (a) => reduceMin(a, { axes: [0], keepDims: true }) },
  { name: "expand", shapes: [[3, 1]], compute: (a) => expand(a, [2, 3, 4]) },
  { name: "reshape", shapes: [[3, 4]], compute: (a) => reshape(a, [2, 6]) },
  { name: "transpose", shapes: [[2, 3, 4]], compute: (a) => transpose(a, [2, 0, 1]) },
  { name: "slice", shapes: [[3, 6]], compute: (a) => slice(a, { axis: -1, start: 1, end: -2 }) },
  {
    name: "concat",
    shapes: [
      [3, 2],
      [3, 4],
    ],
    compute: (a, b) => concat([a, b, a], 1),
  },
  {
    name: "split, one part unused",
    shapes: [[3, 6]],
    compute: (a) => {
      const [first, , last] = split(a, { axis: 1, sizes: [2, 2, 2] });
      return multiply(first!, last!);
    },
  },
  { name: "gather, repeated rows", shapes: [[4, 3]], compute: (a) => gather(a, indices(a.graph)) },
  {
    name: "gatherElements, repeated",
    shapes: [[2, 4]],
    compute: (a) => gatherElements(a, a.graph.constant("i64", [2, 3], [1, 1, 3, 0, 2, 0])),
  },
  ...[0, 1, 2, 3].map((bits): Case => {
    const options = { transposeA: bits >= 2, transposeB: bits % 2 === 1, alpha: 0.7 };
    const shapes = [transposedShape([3, 4], options.transposeA), transposedShape([4, 5], options.transposeB)];
    return { name: `gemm, form ${bits}`, shapes, compute: (a, b) => gemm(a, b, options) };
  }),
  {
    name: "gemm with bias",
    shapes: [[3, 4], [4, 5], [5]],
    compute: (a, b, bias) => gemm(a, b, { bias: bias }),
  },
  ...[0, 1, 2, 3].map((bits): Case => {
    const options = { transposeA: bits >= 2, transposeB: bits % 2 === 1, alpha: 0.7 };
    const shapes = [
      transposedShape([2, 3, 4], options.transposeA),
      transposedShape([2, 4, 5], options.transposeB),
    ];
    return { name: `batchedMatmul, form ${bits}`, shapes, compute: (a, b) => batchedMatmul(a, b, options) };
  }),
  { name: "softmax", shapes: [[3, 5]], compute: (a) => softmax(a) },
  { name: "logSoftmax", shapes: [[3, 5]], compute: (a) => logSoftmax(a) },
  { name: "rmsNorm", shapes: [[3, 2, 8], [8]], compute: (a, b) => rmsNorm(a, b, { epsilon: 1e-5 }) },
  { name: "rotary of [batch, heads, tokens, width]", shapes: [[2, 2, 3, 4]], compute: (a) => rotate(a) },
  { name: "rotary of [batch, tokens, heads * width]", shapes: [[2, 3, 8]], compute: (a) => rotate(a) },
  {
    name: "causalAttention, grouped heads",
    shapes: [
      [2, 4, 3, 4],
      [2, 2, 3, 4],
      [2, 2, 3, 4],
    ],
    compute: (query, key, value) => causalAttention({ query: query, key: key, value: value, scale: 0.5 }),
  },
  {
    name: "causalAttention, one tensor three times",
    shapes: [[1, 2, 3, 4]],
    compute: (x) => causalAttention({ query: x, key: x, value: x, scale: 0.5 }),
  },
  {
    name: "swiGlu",
    shapes: [
      [3, 4],
      [3, 4],
    ],
    compute: (a, b) => swiGlu(a, b),
  },
  {
    name: "crossEntropy",
    shapes: [[5, 7], [5]],
    compute: (logits, weights) =>
      crossEntropy({ logits: logits, targets: indices(logits.graph), weights: weights }),
  },
  {
    name: "a tied table: gather and gemm",
    shapes: [[4, 3]],
    compute: (table) => gemm(gather(table, indices(table.graph)), table, { transposeB: true }),
  },
];

/** The forms for a device that has no fused product and whose fused norm gives no usable statistics, as WebGPU. */
const unfusedProfile: DeviceProfile = {
  ...cpuProfile,
  fusedMatMul: false,
  rmsNorm: "fused-without-statistics",
};

let worker: EngineWorker;
beforeAll(async () => {
  worker = await EngineWorker.start({ threads: 1, spinning: false });
});
afterAll(async () => worker[Symbol.asyncDispose]());

interface Problem {
  readonly session: EngineSession;
  readonly values: readonly EngineTensor[];
}

/** loss = Σ output · fixed random weights, and its gradients g0, g1, ... */
async function prepare(
  { name, shapes, compute, positive = false }: Case,
  floatType: "f32" | "f64",
  profile: DeviceProfile,
): Promise<Problem> {
  const random = randomStream(1, name);
  const draw = (): number => Math.fround(positive ? 0.5 + random.next() : 2 * random.next() - 1);
  const values = shapes.map((shape) => {
    const data = toTypedArray(floatType, Array.from({ length: elementCount(shape) }, draw));
    return { dataType: floatType, shape, data };
  });
  const graph = new Graph({ floatType, profile });
  const inputs = shapes.map((shape, index) =>
    graph.input(`x${index}`, floatType, shape, { requiresGradient: true }),
  );
  const output = compute(...inputs);
  const outputShape = output.shape.map(Number);
  const weights = graph.constant(
    floatType,
    outputShape,
    toTypedArray(
      floatType,
      Array.from({ length: elementCount(outputShape) }, () => Math.fround(0.5 + random.next())),
    ),
  );
  const loss = reduceSum(multiply(output, weights));
  const found = gradients(loss, inputs).map((gradient, index) => [`g${index}`, gradient] as const);
  const session = await worker.load(graph.build({ loss, ...Object.fromEntries(found) }));
  return { session, values };
}

const feedsOf = (values: readonly EngineTensor[]): Record<string, EngineTensor> =>
  Object.fromEntries(values.map((value, index) => [`x${index}`, value]));

async function analyticGradients({ session, values }: Problem): Promise<number[][]> {
  const results = await session.run(feedsOf(values));
  return values.map((_, index) => Array.from(results[`g${index}`]!.data, Number));
}

/** Central differences with one step of Richardson extrapolation: the error is of order step^4. */
async function differences({ session, values }: Problem): Promise<number[][]> {
  const step = 2 ** -9;
  const lossAt = async (input: number, element: number, offset: number): Promise<number> => {
    const shifted = values.map((value, index) => {
      const data = Float64Array.from(value.data, Number);
      if (index === input) data[element]! += offset;
      return { ...value, data };
    });
    return Number((await session.run(feedsOf(shifted), { loss: null }))["loss"]!.data[0]);
  };
  const central = async (input: number, element: number, offset: number): Promise<number> => {
    const [after, before] = await Promise.all([
      lossAt(input, element, offset),
      lossAt(input, element, -offset),
    ]);
    return (after - before) / (2 * offset);
  };
  return Promise.all(
    values.map(async ({ data }, input) =>
      Promise.all(
        Array.from(data, Number).map(async (_, element) => {
          const [wide, narrow] = [
            await central(input, element, step),
            await central(input, element, step / 2),
          ];
          return (4 * narrow - wide) / 3;
        }),
      ),
    ),
  );
}

/** Largest difference, relative to the largest element of the gradient. */
function worstError(actual: readonly number[][], expected: readonly number[][]): number {
  return Math.max(
    ...expected.map((gradient, index) => {
      const scale = Math.max(...gradient.map(Math.abs));
      const off = gradient.map((value, element) => Math.abs(value - actual[index]![element]!));
      return Math.max(...off) / scale;
    }),
  );
}

describe.each(cases)("gradient of $name", (operation) => {
  test("float64: central differences within 1e-8, and float32 in every form within 1e-4 of it", async () => {
    const reference = await prepare(operation, "f64", cpuProfile);
    const exact = await analyticGradients(reference);
    expect(worstError(exact, await differences(reference))).toBeLessThanOrEqual(1e-8);
    const fused = await prepare(operation, "f32", cpuProfile);
    expect(worstError(await analyticGradients(fused), exact)).toBeLessThanOrEqual(1e-4);
    const unfused = await prepare(operation, "f32", unfusedProfile);
    expect(worstError(await analyticGradients(unfused), exact)).toBeLessThanOrEqual(1e-4);
    await Promise.all([reference, fused, unfused].map(async ({ session }) => session.release()));
  });
});
