/** @file How fast this machine does what a quantization consists of: a few small pieces of each, timed. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { compressedTensorsWriter } from "../checkpoint/formats/compressed-tensors.ts";
import { EngineWorker, sharedTensor } from "../engine/index.ts";
import { Graph } from "../graph/graph.ts";
import { gemm } from "../graph/operations.ts";
import { fileSystemError } from "../util/file-system-error.ts";
import { randomStream } from "../util/random.ts";
import { engineProducts } from "./engine-products.ts";
import { gptqOptionsSchema } from "./gptq-options.ts";
import { gramOutputs, gramSum } from "./gram-blocks.ts";
import { gridOptionsSchema } from "./grid-options.ts";
import { factorHessian } from "./hessian-factor.ts";
import { sharedFloats } from "./layer-parameters.ts";
import type { Matrix } from "./matrix.ts";
import { RoundingPool } from "./rounding-pool.ts";

/** Per second, with the threads of the measurement. */
export interface MachineRates {
  /** Multiplications and additions of float32 products. */
  readonly productOperations: number;
  /** The same of Gram matrices, counted as if both halves were computed. */
  readonly gramOperations: number;
  /** Elements of a Hessian's square, and of its cube, while it is factored. */
  readonly factorSquares: number;
  readonly factorCubes: number;
  /** Weights that GPTQ rounds, and the multiplications of its corrections. */
  readonly gptqWeights: number;
  readonly gptqProducts: number;
  /** Weights rounded to nearest. */
  readonly nearestWeights: number;
  /** Weights packed. */
  readonly packedWeights: number;
  readonly diskBytes: number;
}

/** What a core of a current server does, for work so small that measuring would take longer. */
export function usualRates(threads: number): MachineRates {
  return {
    productOperations: threads * 5e10,
    gramOperations: threads * 8e10,
    factorSquares: 2e7,
    factorCubes: 4e10,
    gptqWeights: threads * 5e6,
    gptqProducts: threads * 5e9,
    nearestWeights: threads * 5e7,
    packedWeights: 2e8,
    diskBytes: 3e8,
  };
}

/** Measures them; takes about two seconds. The disk is that of `folder`. */
export async function measureRates(threads: number, folder: string): Promise<MachineRates> {
  await using worker = await EngineWorker.start({ threads, spinning: false });
  await using pool = new RoundingPool(threads);
  const productOperations = await productRate(worker);
  const gramOperations = await gramRate(worker);
  const subtract = await engineProducts(worker);
  const settings = gptqOptionsSchema.parse({ bits: 4 });
  const [small, large] = [512, 1536];
  const times: number[] = [];
  for (const size of [small, large]) {
    const gram = probeGram(size);
    // oxlint-disable-next-line eslint/no-await-in-loop -- timed one at a time
    times.push(await seconds(async () => factorHessian(gram, settings, subtract)));
  }
  const cubic = Math.max(1e-12, (times[1]! / large ** 2 - times[0]! / small ** 2) / (large - small));
  const quadratic = Math.max(1e-9, times[0]! / small ** 2 - cubic * small);
  const rounding = await roundingRates(pool, threads);
  return {
    productOperations,
    gramOperations,
    factorSquares: 1 / quadratic,
    factorCubes: 1 / cubic,
    ...rounding,
    packedWeights: await packingRate(pool),
    diskBytes: diskRate(folder),
  };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** The faster of two times, after one run that is not counted. */
async function settled(work: () => Promise<unknown>): Promise<number> {
  await work();
  const first = await seconds(work);
  return Math.min(first, await seconds(work));
}

async function productRate(worker: EngineWorker): Promise<number> {
  const [tokens, width] = [1024, 2048];
  const graph = new Graph();
  const left = graph.input("left", "f32", [tokens, width]);
  const right = graph.input("right", "f32", [width, width]);
  const session = await worker.load(graph.build({ product: gemm(left, right, { transposeB: true }) }));
  const feeds = { left: sharedTensor("f32", [tokens, width]), right: sharedTensor("f32", [width, width]) };
  const product = sharedTensor("f32", [tokens, width]);
  return (2 * tokens * width ** 2) / (await settled(async () => session.run(feeds, { product })));
}

async function gramRate(worker: EngineWorker): Promise<number> {
  const [tokens, width] = [1024, 2048];
  const graph = new Graph();
  const x = graph.input("x", "f32", [tokens, width]);
  const session = await worker.load(graph.build(gramOutputs("probe", x, width)), { zeroCopyOutputs: true });
  const { feeds, fetches } = gramSum("probe", width);
  const all = { ...feeds, x: sharedTensor("f32", [tokens, width]) };
  return (2 * tokens * width ** 2) / (await settled(async () => session.run(all, fetches)));
}

/** Two widths tell what a weight costs from what its corrections cost. */
async function roundingRates(
  pool: RoundingPool,
  threads: number,
): Promise<Pick<MachineRates, "gptqWeights" | "gptqProducts" | "nearestWeights">> {
  const settings = gptqOptionsSchema.parse({ bits: 4 });
  const grid = gridOptionsSchema.parse({ bits: 4 });
  const perWeight: number[] = [];
  const widths = [512, 1536];
  for (const width of widths) {
    const weight = probeWeight(128 * threads, width);
    // oxlint-disable-next-line eslint/no-await-in-loop -- timed one at a time
    const hessian = await factorHessian(probeGram(256), settings);
    const inverseFactor = identityFactor(width);
    const order = Uint32Array.from({ length: width }, (_, place) => place);
    const gptq = { hessian: { ...hessian, inverseFactor, order }, settings };
    // oxlint-disable-next-line eslint/no-await-in-loop -- timed one at a time
    const time = await settled(async () => pool.round(weight, { grid, grids: null, gptq }));
    perWeight.push(time / (128 * threads * width));
  }
  const perProduct = Math.max(1e-13, (perWeight[1]! - perWeight[0]!) / (widths[1]! - widths[0]!));
  const weight = probeWeight(512 * threads, 1024);
  const time = await settled(async () => pool.round(weight, { grid, grids: null, gptq: null }));
  return {
    gptqWeights: 1 / Math.max(1e-10, perWeight[0]! - perProduct * widths[0]!),
    gptqProducts: 1 / perProduct,
    nearestWeights: (512 * threads * 1024) / time,
  };
}

async function packingRate(pool: RoundingPool): Promise<number> {
  const weight = probeWeight(512, 1024);
  const grid = gridOptionsSchema.parse({ bits: 4 });
  const { matrix } = await pool.round(weight, { grid, grids: null, gptq: null });
  return (512 * 1024) / (await settled(async () => compressedTensorsWriter.tensors("probe", matrix)));
}

function diskRate(folder: string): number {
  const bytes = new Uint8Array(2 ** 25).fill(1);
  const path = join(folder, `probe-${process.pid}.partial`);
  const start = performance.now();
  try {
    const file = openSync(path, "w");
    try {
      writeSync(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
      rmSync(path, { force: true });
    }
  } catch (error) {
    throw fileSystemError(error, "measureRates()", folder);
  }
  return bytes.length / ((performance.now() - start) / 1000);
}

function probeWeight(rows: number, columns: number): Matrix {
  const random = randomStream(1, "probe");
  const row = Float32Array.from({ length: columns }, () => random.normal());
  const { data: values } = sharedFloats([rows, columns]);
  for (let start = 0; start < values.length; start += columns) values.set(row, start);
  return { rows, columns, values };
}

/** The identity, as the sum of many tokens. */
function probeGram(size: number): Matrix {
  const values = new Float32Array(size * size);
  for (let index = 0; index < size; index++) values[index * (size + 1)] = 1;
  return { rows: size, columns: size, values };
}

function identityFactor(size: number): Float64Array {
  const factor = new Float64Array(new SharedArrayBuffer(size * size * Float64Array.BYTES_PER_ELEMENT));
  for (let index = 0; index < size; index++) factor[index * (size + 1)] = 1;
  return factor;
}
