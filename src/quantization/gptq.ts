/**
 * @file {@link https://arxiv.org/abs/2210.17323 | GPTQ, Frantar et al. 2022}: round one input feature (column) after the
 * other and let the columns not yet rounded make up for the error, as the inputs' second moments tell them to.
 *
 * For each column i: e = (w_i - ŵ_i) / U_ii, then w_k -= e · U_ik for all later k (algorithm 1).
 *
 * All arithmetic is float64, and in TypeScript every weight receives its corrections one by one in column order whatever the
 * block size, so that blocks are bitwise without effect; products from elsewhere (`subtract`) differ by rounding, some 1e-16.
 *
 * Departures:
 * 1. A feature that calibration never excited is rounded to nearest; the authors' code sets its weights to 0.
 * 2. Damping that is too small grows by itself (hessian-factor.ts).
 * 3. Scales are fp16 numbers before codes are computed (grid.ts).
 * 4. In natural order a group's grid is fitted when the rounding arrives there, on weights that carry ALL earlier
 *    corrections; the authors' code misses those of the current block when groups are smaller than blocks.
 */
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { BitmendError } from "../util/errors.ts";
import { encode } from "./grid.ts";
import { groupWidth } from "./grid-options.ts";
import type { GptqOptions } from "./gptq-options.ts";
import { fitGroupGrid } from "./group-grid.ts";
import { factorHessian, type HessianFactor } from "./hessian-factor.ts";
import type { Matrix } from "./matrix.ts";
import type { MatrixGrids } from "./output-clip.ts";
import {
  copyRectangle,
  subtractProduct,
  transposedRectangle,
  type SubtractProduct,
} from "./subtract-product.ts";

/** Columns that correct each other one by one; what comes after them in the block is corrected by a product. */
const columnsTogether = 16;
/** Float64 working copies are kept of this many weights at most. */
const weightsTogether = 2 ** 24;

/** Settings of one call. */
export interface GptqCall extends Omit<GptqOptions, "refinementSweeps"> {
  /** Who computes the large products. Default: TypeScript, here. */
  readonly subtract?: SubtractProduct;
  /** Grids chosen beforehand. Default: fitted here. */
  readonly grids?: MatrixGrids;
}

/**
 * Quantizes `weight` ([out, in]) for inputs with the Gram matrix `gram` = XᵀX ([in, in]) so that ‖X(W - Ŵ)ᵀ‖² stays small.
 *
 * @throws {BitmendError} `quantization/bad-options` when the group size does not divide, or the matrices do not fit each other.
 * @throws {BitmendError} `quantization/bad-gram-matrix` as {@link factorHessian} does.
 */
export async function quantizeGptq(weight: Matrix, gram: Matrix, call: GptqCall): Promise<QuantizedMatrix> {
  groupWidth(weight, call.groupSize);
  return quantizeWithFactor(weight, await factorHessian(gram, call, call.subtract), call);
}

/** {@link quantizeGptq} with a factor that several linears share. */
export async function quantizeWithFactor(
  weight: Matrix,
  hessian: HessianFactor,
  call: GptqCall,
): Promise<QuantizedMatrix> {
  const { rows, columns } = weight;
  const { bits, symmetric, activations, grids } = call;
  const groupSize = groupWidth(weight, call.groupSize);
  if (hessian.order.length !== columns) {
    throw new BitmendError(
      "quantization/bad-options",
      `quantizeWithFactor(): expected a Hessian of ${columns} input features, got one of ${hessian.order.length}.`,
    );
  }
  const codes = new Uint8Array(rows * columns);
  const scales = grids?.scales ?? new Float32Array((rows * columns) / groupSize);
  const zeroPoints = grids?.zeroPoints ?? new Uint8Array(scales.length);
  const quantized = { bits, rows, columns, groupSize, symmetric, codes, scales, zeroPoints };
  const rowsPerBlock = Math.max(1, Math.floor(weightsTogether / columns));
  for (let firstRow = 0; firstRow < rows; firstRow += rowsPerBlock) {
    const rowCount = Math.min(rowsPerBlock, rows - firstRow);
    const weights = orderedWeights(weight, hessian.order, { firstRow, rowCount });
    // oxlint-disable-next-line eslint/no-await-in-loop -- bounds memory
    await quantizeRows({ weight, hessian, call, quantized, weights, firstRow, rowCount });
  }
  return activations === null ? quantized : { ...quantized, activations };
}

/** A float64 copy of some rows, columns in rounding order. */
function orderedWeights(
  { values, columns }: Matrix,
  order: Uint32Array,
  { firstRow, rowCount }: { firstRow: number; rowCount: number },
): Float64Array {
  const ordered = new Float64Array(rowCount * columns);
  for (let row = 0; row < rowCount; row++) {
    const stored = values.subarray((firstRow + row) * columns, (firstRow + row + 1) * columns);
    for (let place = 0; place < columns; place++) ordered[row * columns + place] = stored[order[place]!]!;
  }
  return ordered;
}

/** Rows on their way through the columns. */
interface RowBlock {
  readonly weight: Matrix;
  readonly hessian: HessianFactor;
  readonly call: GptqCall;
  readonly quantized: QuantizedMatrix;
  /** [rowCount, in] in rounding order; later columns carry the corrections for earlier ones. */
  readonly weights: Float64Array;
  readonly firstRow: number;
  readonly rowCount: number;
}

async function quantizeRows(block: RowBlock): Promise<void> {
  const { weight, hessian, call, quantized, weights, firstRow, rowCount } = block;
  const { columns, groupSize } = quantized;
  const subtract = call.subtract ?? subtractProduct;
  const gridsOnArrival = call.grids === undefined && call.columnOrder === "natural";
  if (call.grids === undefined && !gridsOnArrival) {
    const stored = weight.values.subarray(firstRow * columns);
    for (let group = 0; group < columns / groupSize; group++) fitGrids(block, group, stored);
  }
  for (let start = 0; start < columns;) {
    let end = Math.min(columns, start + call.blockSize);
    if (gridsOnArrival) {
      const group = Math.floor(start / groupSize);
      if (start === group * groupSize) fitGrids(block, group, weights);
      // A block ends with its group, so that the next grid sees every correction.
      end = Math.min(end, (group + 1) * groupSize);
    }
    const left = roundColumns(block, start, end);
    // oxlint-disable-next-line eslint/no-await-in-loop -- the next block needs it
    await subtract({
      target: weights,
      stride: columns,
      rows: [0, rowCount],
      columns: [end, columns],
      left,
      right: transposedRectangle(hessian.inverseFactor, columns, {
        rows: [start, end],
        columns: [end, columns],
      }),
      depth: end - start,
    });
    start = end;
  }
}

/** Fits the grids of one group in all rows to `source` ([rowCount, in], features in stored order). */
function fitGrids(block: RowBlock, group: number, source: Float32Array | Float64Array): void {
  const { columns, groupSize, scales, zeroPoints } = block.quantized;
  const values = new Float64Array(groupSize);
  for (let row = 0; row < block.rowCount; row++) {
    const groupStart = row * columns + group * groupSize;
    values.set(source.subarray(groupStart, groupStart + groupSize));
    const grid = fitGroupGrid(values, block.call);
    const index = (block.firstRow + row) * (columns / groupSize) + group;
    scales[index] = grid.scale;
    zeroPoints[index] = grid.zeroPoint;
  }
}

/** Rounds the columns of a block, each correcting those after it in the block; returns their errors e, [rowCount, end - start]. */
function roundColumns(block: RowBlock, start: number, end: number): Float64Array {
  const { weights, hessian, rowCount } = block;
  const { columns } = block.quantized;
  const width = end - start;
  const errors = new Float64Array(rowCount * width);
  for (let stripStart = start; stripStart < end; stripStart += columnsTogether) {
    const stripEnd = Math.min(end, stripStart + columnsTogether);
    for (let row = 0; row < rowCount; row++) {
      for (let place = stripStart; place < stripEnd; place++) {
        errors[row * width + place - start] = roundWeight(block, { row, place, stripEnd });
      }
    }
    const strip = { rows: [0, rowCount], columns: [stripStart - start, stripEnd - start] } as const;
    subtractProduct({
      target: weights,
      stride: columns,
      rows: [0, rowCount],
      columns: [stripEnd, end],
      left: copyRectangle(errors, width, strip),
      right: transposedRectangle(hessian.inverseFactor, columns, {
        rows: [stripStart, stripEnd],
        columns: [stripEnd, end],
      }),
      depth: stripEnd - stripStart,
    });
  }
  return errors;
}

/** Rounds one weight and corrects those after it in the strip; returns its error e. */
function roundWeight(
  { weights, quantized, firstRow, hessian }: RowBlock,
  { row, place, stripEnd }: { row: number; place: number; stripEnd: number },
): number {
  const { bits, columns, groupSize, codes, scales, zeroPoints } = quantized;
  const { order, inverseFactor } = hessian;
  const feature = order[place]!;
  const rowStart = row * columns;
  const factorRow = place * columns;
  const group = (firstRow + row) * (columns / groupSize) + Math.floor(feature / groupSize);
  const grid = { scale: scales[group]!, zeroPoint: zeroPoints[group]! };
  const current = weights[rowStart + place]!;
  const code = encode(current, grid, 2 ** bits - 1);
  const error = (current - (code - grid.zeroPoint) * grid.scale) / inverseFactor[factorRow + place]!;
  codes[(firstRow + row) * columns + feature] = code;
  for (let later = place + 1; later < stripEnd; later++) {
    weights[rowStart + later] = weights[rowStart + later]! - error * inverseFactor[factorRow + later]!;
  }
  return error;
}
