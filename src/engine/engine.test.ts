import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  abs,
  add,
  cast,
  causalAttention,
  clip,
  concat,
  crossEntropy,
  customGradient,
  divide,
  gather,
  gemm,
  Graph,
  gradients,
  multiply,
  product,
  reduceMean,
  reduceSum,
  reshape,
  rmsNorm,
  roundStraightThrough,
  slice,
  stopGradient,
  swiGlu,
  transpose,
  type Tensor,
} from "../graph/index.ts";
import { randomStream } from "../util/random.ts";
import { EngineWorker, sharedTensor, toShared, type EngineTensor } from "./index.ts";

const float32 = (shape: readonly number[], values: ArrayLike<number>): EngineTensor => ({
  dataType: "f32",
  shape,
  data: Float32Array.from(values),
});
const int64 = (shape: readonly number[], values: readonly number[]): EngineTensor => ({
  dataType: "i64",
  shape,
  data: BigInt64Array.from(values, BigInt),
});
const normals = (count: number, purpose: string): Float32Array => {
  const random = randomStream(1, purpose);
  return Float32Array.from({ length: count }, () => random.normal());
};

let worker: EngineWorker;
beforeAll(async () => {
  worker = await EngineWorker.start({ threads: 1, spinning: false });
});
afterAll(async () => worker[Symbol.asyncDispose]());

async function evaluate(
  outputs: Record<string, Tensor>,
  feeds: Record<string, EngineTensor>,
): Promise<Record<string, number[]>> {
  await using session = await worker.load(Object.values(outputs)[0]!.graph.build(outputs));
  const results = await session.run(feeds);
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Array.from(data, Number)]),
  );
}

/** y = a · x, with the sum of y and its gradient. */
function linearModel(): Uint8Array {
  const graph = new Graph();
  const x = graph.input("x", "f32", ["rows", 2], { requiresGradient: true });
  const y = gemm(x, graph.input("a", "f32", [2, 2]));
  const total = reduceSum(y);
  return graph.build({ y, total, slope: gradients(total, [x])[0]! });
}

describe("EngineSession", () => {
  const a = float32([2, 2], [1, 2, 3, 4]);
  const x = float32([1, 2], [10, 100]);

  test("worked example: all outputs of a run", async () => {
    await using session = await worker.load(linearModel());
    expect(session.inputs).toEqual({
      x: { dataType: "f32", shape: ["rows", 2] },
      a: { dataType: "f32", shape: [2, 2] },
    });
    const { y, total, slope } = await session.run({ x, a });
    expect(y).toEqual(float32([1, 2], [310, 420]));
    expect(total).toEqual(float32([], [730]));
    expect(slope).toEqual(float32([1, 2], [3, 7]));
  });

  test.each([{ zeroCopyOutputs: false }, { zeroCopyOutputs: true }])(
    "bound feeds and fetches in shared memory are read and filled in place, %o",
    async (options) => {
      await using session = await worker.load(linearModel(), options);
      expect(Object.keys(session.outputs)).toEqual(["y", "total", "slope"]);
      const [shared, y] = [toShared(a), sharedTensor("f32", [1, 2])];
      session.bind({ a: shared }, { y });
      expect(Object.keys(await session.run({ x }))).toEqual(["y"]);
      expect([...y.data]).toEqual([310, 420]);
      shared.data[0] = 2;
      const results = await session.run({ x }, { total: null });
      expect([...y.data]).toEqual([320, 420]);
      expect(results["y"]).toBe(y);
      expect([...results["total"]!.data]).toEqual([740]);
    },
  );

  test("a fetch outside shared memory is filled too, and a view crosses without its buffer", async () => {
    await using session = await worker.load(linearModel());
    const y = float32([1, 2], [0, 0]);
    const view = { ...x, data: Float32Array.of(0, 10, 100, 0).subarray(1, 3) };
    await session.run({ x: view, a }, { y });
    expect([...y.data]).toEqual([310, 420]);
  });

  test("wrong names, types, shapes and lengths are listed before anything is sent", async () => {
    await using session = await worker.load(linearModel());
    const wrong = { z: x, x: float32([2], [1, 2]), a: { ...a, dataType: "f64" as const } };
    expect(() => session.bind(wrong)).toThrowErrorMatchingInlineSnapshot(
      `[BitmendError: EngineSession.bind(): input z does not exist (there are x, a); input x is f32 [rows, 2], got f32 [2]; input a is f32 [2, 2], got f64 [2, 2].]`,
    );
    await expect(session.run({ x: { ...x, data: new Float32Array(3) }, a })).rejects.toThrow(
      "input x is f32 [1, 2], got a Float32Array of 3 elements",
    );
    await expect(session.run({ x })).rejects.toMatchObject({ code: "engine/missing-feed" });
  });

  test("worked example: a bf16 weight is read where it lies in a file, at any offset", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bitmend-engine-"));
    // 1, -2, 0.5 as the upper halves of their float32 patterns, after five bytes of something else.
    writeFileSync(join(folder, "weights"), Uint8Array.of(9, 9, 9, 9, 9, 0x80, 0x3f, 0x00, 0xc0, 0x00, 0x3f));
    const graph = new Graph();
    const weight = graph.external("w", "bf16", [3], { file: "weights", offset: 5, length: 6 });
    const model = graph.build({ y: multiply(graph.input("x", "f32", [3]), cast(weight, "f32")) });
    try {
      const found = await Promise.all(
        (["all", "disabled"] as const).map(async (optimization) => {
          await using session = await worker.load(model, { externalDataFolder: folder, optimization });
          return [...(await session.run({ x: float32([3], [10, 20, 30]) }))["y"]!.data];
        }),
      );
      expect(found).toEqual([
        [10, -40, 15],
        [10, -40, 15],
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("errors of the runtime have codes, and the worker goes on", async () => {
    await expect(worker.load(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ code: "engine/load-failed" });
    const graph = new Graph();
    const rows = gather(graph.constant("f32", [2, 1], [1, 2]), graph.input("index", "i64", [1]));
    const session = await worker.load(graph.build({ rows }));
    await expect(session.run({ index: int64([1], [7]) })).rejects.toMatchObject({
      code: "engine/run-failed",
    });
    expect([...(await session.run({ index: int64([1], [1]) }))["rows"]!.data]).toEqual([2]);
    await session.release();
    await expect(session.run({ index: int64([1], [1]) })).rejects.toMatchObject({ code: "engine/released" });
    expect(() => session.bind({})).toThrow("EngineSession.bind(): the session has been released.");
  });

  test("a worker that has ended refuses work", async () => {
    const ended = await EngineWorker.start({ threads: 1 });
    await ended[Symbol.asyncDispose]();
    await expect(ended.load(linearModel())).rejects.toMatchObject({ code: "engine/worker-exited" });
    await expect(EngineWorker.start({ threads: 0 })).rejects.toMatchObject({ code: "engine/bad-options" });
  });
});

describe("gradients that are not derivatives", () => {
  test("worked example: rounding and clipping pass the gradient, a stop does not", async () => {
    const graph = new Graph();
    const x = graph.input("x", "f32", [5], { requiresGradient: true });
    const weights = graph.constant("f32", [5], [1, 2, 3, 4, 5]);
    const slopeOf = (y: Tensor): Tensor => gradients(reduceSum(multiply(y, weights)), [x])[0]!;
    const outputs = {
      rounded: roundStraightThrough(x),
      roundedSlope: slopeOf(roundStraightThrough(x)),
      passed: slopeOf(clip(x, { low: -1, high: 1, gradient: "pass" })),
      masked: slopeOf(clip(x, { low: -1, high: 1 })),
      stopped: slopeOf(multiply(x, stopGradient(x))),
      custom: slopeOf(
        customGradient({
          inputs: [x],
          compute: () => abs(x),
          backward: (gradient) => [multiply(gradient, 10)],
        }),
      ),
    };
    const found = await evaluate(outputs, { x: float32([5], [-1.5, -0.5, 0.5, 1.5, 2.5]) });
    expect(found["rounded"]!.map((value) => value + 0)).toEqual([-2, 0, 0, 2, 2]);
    expect(found["roundedSlope"]).toEqual([1, 2, 3, 4, 5]);
    expect(found["passed"]).toEqual([1, 2, 3, 4, 5]);
    expect(found["masked"]).toEqual([0, 2, 3, 0, 0]);
    expect(found["stopped"]).toEqual([-1.5, -1, 1.5, 6, 12.5]);
    expect(found["custom"]).toEqual([10, 20, 30, 40, 50]);
  });

  test("worked example: the gradient of an intermediate tensor, and of an input that is itself an output of a block", async () => {
    const graph = new Graph();
    const x = graph.input("x", "f32", [2], { requiresGradient: true });
    const middle = multiply(x, x);
    const same = customGradient({
      inputs: [middle],
      compute: () => middle,
      backward: (gradient) => [multiply(gradient, 3)],
    });
    const loss = reduceSum(multiply(same, middle));
    const [outer, inner] = gradients(loss, [x, middle]);
    const found = await evaluate({ outer: outer!, inner: inner! }, { x: float32([2], [1, 2]) });
    expect(found).toEqual({ outer: [8, 64], inner: [4, 16] }); // d/dm of m·same(m): same + 3m
  });
});

/** A block with everything whose size can be symbolic: attention under a computed mask, means, slices, joins. */
function symbolicBlock(batch: number | string, tokens: number | string): Uint8Array {
  const graph = new Graph();
  const rows = product([batch, tokens]);
  const table = graph.input("table", "f32", [7, 8], { requiresGradient: true });
  const norm = graph.input("norm", "f32", [8], { requiresGradient: true });
  const x = rmsNorm(gather(table, graph.input("ids", "i64", [batch, tokens])), norm, { epsilon: 1e-6 });
  const heads = transpose(reshape(x, [batch, tokens, 2, 4]), [0, 2, 1, 3]);
  const attended = causalAttention({ query: heads, key: heads, value: heads, scale: 0.5 });
  const joined = reshape(transpose(attended, [0, 2, 1, 3]), [rows, 8]);
  const activated = swiGlu(joined, reshape(x, [rows, 8]));
  const logits = gemm(activated, table, { transposeB: true });
  const weights = graph.input("weights", "f32", [rows]);
  const targets = graph.input("targets", "i64", [rows]);
  const mean = reduceMean(divide(multiply(attended, attended), 2), { axes: [0, 2] });
  const loss = add(crossEntropy({ logits, targets, weights }), reduceSum(mean));
  const [tableGradient, normGradient] = gradients(loss, [table, norm]);
  const last = slice(x, { axis: 1, start: -1 });
  const twice = concat([x, x], 1, { size: typeof tokens === "string" ? "twice" : 2 * tokens });
  return graph.build({ loss, last, twice, tableGradient: tableGradient!, normGradient: normGradient! });
}

const blockFeeds = {
  table: float32([7, 8], normals(56, "table")),
  norm: float32([8], normals(8, "norm")),
  ids: int64([2, 3], [0, 3, 3, 6, 1, 3]),
  targets: int64([6], [3, 3, 6, 1, 3, 0]),
  weights: float32([6], [0.5, 0, 1, 0.25, 0.25, 1]),
};

async function runBlock(batch: number | string, tokens: number | string): Promise<unknown> {
  await using session = await worker.load(symbolicBlock(batch, tokens));
  return session.run(blockFeeds);
}

describe("whole graphs", () => {
  test("symbolic sizes give bitwise what known sizes give", async () => {
    expect(await runBlock("batch", "tokens")).toEqual(await runBlock(2, 3));
  });

  test("gradients of parts of a batch add up to those of the whole", async () => {
    await using session = await worker.load(accumulationModel());
    const whole = await session.run(accumulationFeeds([0, 1, 2, 3, 4, 5, 6, 7]));
    const sum = new Float64Array(whole["gradient"]!.data.length);
    let loss = 0;
    for (let row = 0; row < 8; row++) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- one session runs one step at a time
      const part = await session.run(accumulationFeeds([row]));
      for (const [index, value] of part["gradient"]!.data.entries()) sum[index]! += Number(value);
      loss += Number(part["loss"]!.data[0]);
    }
    expect(Array.from(whole["gradient"]!.data, Number)).toBeAllClose(sum, { relative: 1e-5, absolute: 1e-6 });
    expect(Number(whole["loss"]!.data[0])).toBeCloseTo(loss, 5);
  });

  test("results do not depend on the number of threads, bitwise", async () => {
    await using parallel = await EngineWorker.start({ threads: 3, spinning: false });
    const model = threadedModel();
    const runOn = async (engine: EngineWorker): Promise<unknown> => {
      await using session = await engine.load(model);
      return session.run(threadedFeeds);
    };
    const expected = await runOn(worker);
    for (let repetition = 0; repetition < 3; repetition++) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- races show in repetition
      expect(await runOn(parallel)).toEqual(expected);
    }
  });
});

/** Logits from a tied table; the loss is a sum over rows, so parts of a batch add up. */
function accumulationModel(): Uint8Array {
  const graph = new Graph();
  const table = graph.input("table", "f32", [7, 8], { requiresGradient: true });
  const hidden = gather(table, graph.input("ids", "i64", ["rows"]));
  const logits = gemm(swiGlu(hidden, hidden), table, { transposeB: true });
  const weights = graph.input("weights", "f32", ["rows"]);
  const loss = crossEntropy({ logits, targets: graph.input("targets", "i64", ["rows"]), weights });
  return graph.build({ loss, gradient: gradients(loss, [table])[0]! });
}

function accumulationFeeds(rows: readonly number[]): Record<string, EngineTensor> {
  return {
    table: blockFeeds.table,
    ids: int64(
      [rows.length],
      rows.map((row) => (3 * row) % 7),
    ),
    targets: int64(
      [rows.length],
      rows.map((row) => (5 * row) % 7),
    ),
    weights: float32(
      [rows.length],
      rows.map((row) => 1 / (1 + row)),
    ),
  };
}

/** Large enough to be divided among threads; many equal indices, whose gradients must not race. */
function threadedModel(): Uint8Array {
  const graph = new Graph();
  const table = graph.input("table", "f32", [64, 128], { requiresGradient: true });
  const weight = graph.constant("f32", [64, 128], normals(64 * 128, "threads: weight"));
  const logits = gemm(gather(table, graph.input("ids", "i64", [4096])), weight, { transposeB: true });
  const loss = reduceSum(multiply(logits, logits));
  return graph.build({
    loss,
    gradient: gradients(loss, [table])[0]!,
    some: slice(logits, { axis: 0, start: -64 }),
  });
}

const threadedFeeds = {
  table: float32([64, 128], normals(64 * 128, "threads: table")),
  ids: int64(
    [4096],
    Array.from({ length: 4096 }, (_, index) => (index * index) % 7),
  ),
};
