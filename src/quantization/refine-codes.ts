/**
 * @file Coordinate descent after GPTQ: code after code moves to the best one given all others, so that the error of the output falls with every
 * change.
 *
 * For the differences d = w - ŵ of a row and the damped Hessian H, the residual r = d·H says what each column leaves undone: the best code of
 * column j, all others fixed, is the nearest to code + r_j / (H_jj · scale). As in
 * {@link https://arxiv.org/abs/2309.01885 | QuantEase, Behdin et al. 2023}, section 3.
 *
 * Departures: 1. it starts from GPTQ's result, keeps its grids and changes codes only; 2. the Hessian carries GPTQ's damping.
 */
import { dequantize } from "../checkpoint/dequantize.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { roundHalfToEven } from "./grid.ts";
import type { Matrix } from "./matrix.ts";
import { subtractProduct, type SubtractProduct } from "./subtract-product.ts";

/** Columns of the Hessian held in float64 at once. */
const columnsTogether = 256;

/** What the descent works with. */
export interface Refinement {
  /** XᵀX, [in, in]. */
  readonly gram: Matrix;
  /** Added to the diagonal, as a fraction of its mean over the columns that calibration excited. */
  readonly dampingFraction: number;
  /** Passes over the columns, at most. */
  readonly sweeps: number;
  readonly subtract?: SubtractProduct;
}

/** Improves the codes of `quantized` ([out, in]) in place, for the weight it stands for. */
export async function refineCodes(
  weight: Matrix,
  quantized: QuantizedMatrix,
  { gram, dampingFraction, sweeps, subtract = subtractProduct }: Refinement,
): Promise<void> {
  const { columns } = weight;
  const damping = dampingFraction * meanDiagonal(gram);
  const residuals = await residualsOf(weight, quantized, { gram, damping, subtract });
  for (let row = 0; row < weight.rows; row++) {
    const residual = residuals.subarray(row * columns, (row + 1) * columns);
    for (let sweep = 0; sweep < sweeps; sweep++) {
      if (sweepRow(quantized, row, { gram, damping, residual }) === 0) break;
    }
  }
}

/** Mean of the diagonal over the columns that were excited. */
function meanDiagonal({ values, columns }: Matrix): number {
  let sum = 0;
  let live = 0;
  for (let column = 0; column < columns; column++) {
    const value = values[column * columns + column]!;
    sum += value;
    if (value > 0) live++;
  }
  return live === 0 ? 0 : sum / live;
}

/** (W - Ŵ)·H, [rows, in]. */
async function residualsOf(
  { rows, columns, values }: Matrix,
  quantized: QuantizedMatrix,
  { gram, damping, subtract }: { gram: Matrix; damping: number; subtract: SubtractProduct },
): Promise<Float64Array> {
  // Products are subtracted, so they are those of Ŵ - W.
  const left = Float64Array.from(dequantize(quantized), (restored, index) => restored - values[index]!);
  const residuals = left.map((value) => -damping * value);
  for (let start = 0; start < columns; start += columnsTogether) {
    const end = Math.min(columns, start + columnsTogether);
    const right = Float64Array.from(gram.values.subarray(start * columns, end * columns));
    const update = { target: residuals, stride: columns, rows: [0, rows], columns: [start, end] } as const;
    // oxlint-disable-next-line eslint/no-await-in-loop -- bounds memory
    await subtract({ ...update, left, right, depth: columns });
  }
  return residuals;
}

/** One pass over the columns of a row; returns how many codes changed. */
function sweepRow(
  { bits, columns, groupSize, codes, scales }: QuantizedMatrix,
  row: number,
  { gram, damping, residual }: { gram: Matrix; damping: number; residual: Float64Array },
): number {
  const maxCode = 2 ** bits - 1;
  let changed = 0;
  for (let column = 0; column < columns; column++) {
    const excitation = gram.values[column * columns + column]!;
    if (excitation === 0) continue;
    const scale = scales[Math.floor((row * columns + column) / groupSize)]!;
    const code = codes[row * columns + column]!;
    const wanted = roundHalfToEven(code + residual[column]! / ((excitation + damping) * scale));
    const best = Math.min(maxCode, Math.max(0, wanted));
    if (best === code) continue;
    codes[row * columns + column] = best;
    changed++;
    const step = (best - code) * scale;
    const hessianRow = gram.values.subarray(column * columns, (column + 1) * columns);
    for (let other = 0; other < columns; other++) {
      residual[other] = residual[other]! - step * hessianRow[other]!;
    }
    residual[column] = residual[column]! - step * damping;
  }
  return changed;
}
