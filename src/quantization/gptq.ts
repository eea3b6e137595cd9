/**
 * @file {@link https://arxiv.org/abs/2210.17323 | GPTQ, Frantar et al. 2022}: round one input feature (column) after the
 * other and let the columns not yet rounded make up for the error, as the inputs' second moments tell them to.
 *
 * For each column i: e = (w_i - ŵ_i) / U_ii, then w_k -= e · U_ik for all later k (algorithm 1).
 *
 * All arithmetic is float64, and every weight receives its corrections one by one in column order whatever the block
 * size, so that blocks are bitwise without effect.
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

/** Rows worked on together, so that each piece of the factor read from memory serves all of them. */
const rowsTogether = 8;

/**
 * Quantizes `weight` ([out, in]) for inputs with the Gram matrix `gram` = XᵀX ([in, in]) so that ‖X(W - Ŵ)ᵀ‖² stays small.
 *
 * @throws {BitmendError} `quantization/bad-options` when the group size does not divide, or the matrices do not fit each other.
 * @throws {BitmendError} `quantization/bad-gram-matrix` as {@link factorHessian} does.
 */
export function quantizeGptq(weight: Matrix, gram: Matrix, options: GptqOptions): QuantizedMatrix {
  groupWidth(weight, options.groupSize);
  return quantizeWithFactor(weight, factorHessian(gram, options), options);
}

/** {@link quantizeGptq} with a factor that several linears share. */
export function quantizeWithFactor(
  weight: Matrix,
  hessian: HessianFactor,
  options: GptqOptions,
): QuantizedMatrix {
  const { rows, columns } = weight;
  const { bits, symmetric } = options;
  const groupSize = groupWidth(weight, options.groupSize);
  if (hessian.order.length !== columns) {
    throw new BitmendError(
      "quantization/bad-options",
      `quantizeWithFactor(): expected a Hessian of ${columns} input features, got one of ${hessian.order.length}.`,
    );
  }
  const codes = new Uint8Array(rows * columns);
  const scales = new Float32Array((rows * columns) / groupSize);
  const zeroPoints = new Uint8Array(scales.length);
  const quantized = { bits, rows, columns, groupSize, symmetric, codes, scales, zeroPoints };
  const weights = new Float64Array(rowsTogether * columns);
  const errors = new Float64Array(rowsTogether * columns);
  for (let firstRow = 0; firstRow < rows; firstRow += rowsTogether) {
    const rowCount = Math.min(rowsTogether, rows - firstRow);
    quantizeRows({ weight, hessian, options, quantized, weights, errors, firstRow, rowCount });
  }
  return quantized;
}

/** A few rows on their way through the columns. */
interface RowBlock {
  readonly weight: Matrix;
  readonly hessian: HessianFactor;
  readonly options: GptqOptions;
  readonly quantized: QuantizedMatrix;
  /** [rowCount, in] in rounding order; later columns carry the corrections for earlier ones. */
  readonly weights: Float64Array;
  /** [rowCount, in] in rounding order: e of the columns already rounded. */
  readonly errors: Float64Array;
  readonly firstRow: number;
  readonly rowCount: number;
}

function quantizeRows(block: RowBlock): void {
  const { weight, hessian, options, quantized, weights, firstRow, rowCount } = block;
  const { columns, groupSize } = quantized;
  for (let row = 0; row < rowCount; row++) {
    const stored = weight.values.subarray((firstRow + row) * columns, (firstRow + row + 1) * columns);
    for (let place = 0; place < columns; place++) {
      weights[row * columns + place] = stored[hessian.order[place]!]!;
    }
  }
  const gridsOnArrival = options.columnOrder === "natural";
  if (!gridsOnArrival) {
    const stored = weight.values.subarray(firstRow * columns);
    for (let group = 0; group < columns / groupSize; group++) fitGrids(block, group, stored);
  }
  for (let start = 0; start < columns;) {
    let end = Math.min(columns, start + options.blockSize);
    if (gridsOnArrival) {
      const group = Math.floor(start / groupSize);
      if (start === group * groupSize) fitGrids(block, group, weights);
      // A block ends with its group, so that the next grid sees every correction.
      end = Math.min(end, (group + 1) * groupSize);
    }
    for (let place = start; place < end; place++) roundColumn(block, place, end);
    correctLater(block, start, end);
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
    const grid = fitGroupGrid(values, block.options);
    const index = (block.firstRow + row) * (columns / groupSize) + group;
    scales[index] = grid.scale;
    zeroPoints[index] = grid.zeroPoint;
  }
}

/** Rounds one column and corrects the columns after it, up to the end of the block. */
function roundColumn(block: RowBlock, place: number, blockEnd: number): void {
  const { weights, errors, quantized, firstRow, rowCount } = block;
  const { columns, groupSize, codes, scales, zeroPoints } = quantized;
  const { order, inverseFactor } = block.hessian;
  const maxCode = 2 ** quantized.bits - 1;
  const feature = order[place]!;
  const factorRow = place * columns;
  for (let row = 0; row < rowCount; row++) {
    const rowStart = row * columns;
    const group = (firstRow + row) * (columns / groupSize) + Math.floor(feature / groupSize);
    const scale = scales[group]!;
    const zeroPoint = zeroPoints[group]!;
    const current = weights[rowStart + place]!;
    const code = encode(current, { scale, zeroPoint }, maxCode);
    const error = (current - (code - zeroPoint) * scale) / inverseFactor[factorRow + place]!;
    codes[(firstRow + row) * columns + feature] = code;
    errors[rowStart + place] = error;
    for (let later = place + 1; later < blockEnd; later++) {
      weights[rowStart + later] = weights[rowStart + later]! - error * inverseFactor[factorRow + later]!;
    }
  }
}

/** Corrects the columns after the block for all its errors, four at a time but one after the other. */
function correctLater(
  { hessian, quantized, weights, errors, rowCount }: RowBlock,
  start: number,
  end: number,
): void {
  const { columns } = quantized;
  const { inverseFactor } = hessian;
  let place = start;
  for (; place + 4 <= end; place += 4) {
    const factor0 = place * columns;
    const factor1 = factor0 + columns;
    const factor2 = factor1 + columns;
    const factor3 = factor2 + columns;
    for (let row = 0; row < rowCount; row++) {
      const rowStart = row * columns;
      const error0 = errors[rowStart + place]!;
      const error1 = errors[rowStart + place + 1]!;
      const error2 = errors[rowStart + place + 2]!;
      const error3 = errors[rowStart + place + 3]!;
      for (let later = end; later < columns; later++) {
        let current = weights[rowStart + later]!;
        current -= error0 * inverseFactor[factor0 + later]!;
        current -= error1 * inverseFactor[factor1 + later]!;
        current -= error2 * inverseFactor[factor2 + later]!;
        current -= error3 * inverseFactor[factor3 + later]!;
        weights[rowStart + later] = current;
      }
    }
  }
  for (; place < end; place++) {
    for (let row = 0; row < rowCount; row++) {
      const error = errors[row * columns + place]!;
      for (let later = end; later < columns; later++) {
        weights[row * columns + later] =
          weights[row * columns + later]! - error * inverseFactor[place * columns + later]!;
      }
    }
  }
}
