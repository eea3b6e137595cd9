/**
 * @file Rounds the rows of a weight in several threads.
 *
 * A matrix is cut into slices of rows by its shape alone, and each slice is rounded on its own by one thread: the result is the same bit for bit
 * for any number of threads.
 */
import { Worker } from "node:worker_threads";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { BitmendError, type ErrorCode } from "../util/errors.ts";
import { groupWidth } from "./grid-options.ts";
import { relativeError, type SquaredSums } from "./layer-error.ts";
import { sharedFloats } from "./layer-parameters.ts";
import type { Matrix } from "./matrix.ts";
import { roundRows, type RoundedRows, type Rounding } from "./round-rows.ts";

/** One slice, whose weights lie in shared memory. */
export interface RoundingTask extends Rounding {
  readonly weight: Matrix;
}

export type RoundingAnswer =
  | { readonly rows: RoundedRows }
  | { readonly error: { readonly code: ErrorCode; readonly message: string } };

/** Smaller weights are rounded at once in this thread, which costs less than starting another. */
const fewestWeights = 2 ** 17;
/** Rows of a slice: enough for GPTQ to share the factor's columns among, few enough to keep several threads busy. */
const rowsPerSlice = 256;

/** Threads that round; they are started when they are first needed. */
export class RoundingPool implements AsyncDisposable {
  readonly #threads: number;
  readonly #workers: Worker[] = [];

  constructor(threads: number) {
    this.#threads = threads;
  }

  /** Rounds `weight` and measures ‖W - Ŵ‖² / ‖W‖². */
  async round(
    weight: Matrix,
    rounding: Rounding,
  ): Promise<{ readonly matrix: QuantizedMatrix; readonly weightError: number }> {
    const { rows, columns } = weight;
    const { bits, symmetric, activations } = rounding.grid;
    const groupSize = groupWidth(weight, rounding.grid.groupSize);
    const { sums, ...parts } =
      rows * columns < fewestWeights
        ? await inThisThread(weight, rounding)
        : await this.#inSlices(inSharedMemory(weight), rounding, columns / groupSize);
    const matrix = { bits, rows, columns, groupSize, symmetric, ...parts };
    return {
      matrix: activations === null ? matrix : { ...matrix, activations },
      weightError: relativeError(sums),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map(async (worker) => worker.terminate()));
  }

  async #inSlices(weight: Matrix, rounding: Rounding, groups: number): Promise<RoundedMatrix> {
    const { rows, columns } = weight;
    const codes = new Uint8Array(rows * columns);
    const scales = new Float32Array(rows * groups);
    const zeroPoints = new Uint8Array(rows * groups);
    const sliceCount = Math.ceil(rows / rowsPerSlice);
    const sums: SquaredSums[] = [];
    let next = 0;
    const work = async (worker: Worker): Promise<void> => {
      while (next < sliceCount) {
        const index = next++;
        const firstRow = index * rowsPerSlice;
        // oxlint-disable-next-line eslint/no-await-in-loop -- a thread rounds one slice at a time
        const done = await answerOf(worker, sliceOf(weight, rounding, { firstRow, groups }));
        codes.set(done.codes, firstRow * columns);
        scales.set(done.scales, firstRow * groups);
        zeroPoints.set(done.zeroPoints, firstRow * groups);
        sums[index] = done;
      }
    };
    await Promise.all(this.#started(Math.min(this.#threads, sliceCount)).map(work));
    return { codes, scales, zeroPoints, sums };
  }

  #started(count: number): Worker[] {
    // Compiled or not, the thread's file lies beside this one, with the same extension.
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    while (this.#workers.length < count) {
      const worker = new Worker(new URL(`./rounding-worker.${extension}`, import.meta.url));
      worker.unref();
      this.#workers.push(worker);
    }
    return this.#workers.slice(0, count);
  }
}

type RoundedMatrix = Pick<RoundedRows, "codes" | "scales" | "zeroPoints"> & { readonly sums: SquaredSums[] };

async function inThisThread(weight: Matrix, rounding: Rounding): Promise<RoundedMatrix> {
  const { codes, scales, zeroPoints, error, whole } = await roundRows(weight, rounding);
  return { codes, scales, zeroPoints, sums: [{ error, whole }] };
}

function inSharedMemory({ rows, columns, values }: Matrix): Matrix {
  if (values.buffer instanceof SharedArrayBuffer) return { rows, columns, values };
  return { rows, columns, values: sharedFloats([rows, columns], values).data };
}

function sliceOf(
  { rows, columns, values }: Matrix,
  rounding: Rounding,
  { firstRow, groups }: { firstRow: number; groups: number },
): RoundingTask {
  const end = Math.min(rows, firstRow + rowsPerSlice);
  const { grids } = rounding;
  return {
    ...rounding,
    weight: { rows: end - firstRow, columns, values: values.subarray(firstRow * columns, end * columns) },
    grids:
      grids === null
        ? null
        : {
            scales: grids.scales.slice(firstRow * groups, end * groups),
            zeroPoints: grids.zeroPoints.slice(firstRow * groups, end * groups),
          },
  };
}

async function answerOf(worker: Worker, task: RoundingTask): Promise<RoundedRows> {
  const answer = await new Promise<RoundingAnswer>((resolve, reject) => {
    const finish = (): void => {
      worker.off("message", succeed).off("error", reject).unref();
    };
    const succeed = (message: RoundingAnswer): void => {
      finish();
      resolve(message);
    };
    worker.ref();
    worker.on("message", succeed).once("error", reject);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    worker.postMessage(task);
  });
  if ("rows" in answer) return answer.rows;
  throw new BitmendError(answer.error.code, answer.error.message);
}
