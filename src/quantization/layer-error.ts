import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import type { Matrix } from "./matrix.ts";

/** ‖W - Ŵ‖² and ‖W‖² of some rows. */
export interface SquaredSums {
  readonly error: number;
  readonly whole: number;
}

export function squaredSums(
  { values }: Matrix,
  { codes, scales, zeroPoints, groupSize }: QuantizedMatrix,
): SquaredSums {
  let error = 0;
  let whole = 0;
  for (let group = 0; group < scales.length; group++) {
    const scale = scales[group]!;
    const zeroPoint = zeroPoints[group]!;
    for (let index = group * groupSize; index < (group + 1) * groupSize; index++) {
      const value = values[index]!;
      const difference = value - (codes[index]! - zeroPoint) * scale;
      error += difference * difference;
      whole += value * value;
    }
  }
  return { error, whole };
}

/** ‖W - Ŵ‖² / ‖W‖² of all rows, 0 for weights of zeros that stayed so. */
export function relativeError(sums: readonly SquaredSums[]): number {
  const total = (part: keyof SquaredSums): number => sums.reduce((sum, slice) => sum + slice[part], 0);
  return ratio(total("error"), total("whole"));
}

/**
 * ‖X(W - Ŵ)ᵀ‖² / ‖XWᵀ‖² for inputs X with the Gram matrix `gram` = XᵀX ([in, in]), in float64.
 *
 * The readable reference; quantization itself asks the engine (calibrator.ts), which is some 50 times faster on large matrices.
 */
export function outputError(weight: Matrix, quantized: QuantizedMatrix, gram: Matrix): number {
  return ratio(outputEnergy(differenceOf(weight, quantized).values, gram), outputEnergy(weight.values, gram));
}

/** W - Ŵ. */
export function differenceOf(
  { rows, columns, values }: Matrix,
  { codes, scales, zeroPoints, groupSize }: QuantizedMatrix,
): Matrix {
  const difference = new Float32Array(values.length);
  for (let group = 0; group < scales.length; group++) {
    const scale = scales[group]!;
    const zeroPoint = zeroPoints[group]!;
    for (let index = group * groupSize; index < (group + 1) * groupSize; index++) {
      difference[index] = values[index]! - (codes[index]! - zeroPoint) * scale;
    }
  }
  return { rows, columns, values: difference };
}

function ratio(error: number, whole: number): number {
  return error === 0 ? 0 : error / whole;
}

/** tr(D·G·Dᵀ) for rows D, from the half of the symmetric G on and above its diagonal; four rows share each reading of G. */
function outputEnergy(rows: Float32Array, { values: gram, columns }: Matrix): number {
  const row0 = new Float64Array(columns);
  const row1 = new Float64Array(columns);
  const row2 = new Float64Array(columns);
  const row3 = new Float64Array(columns);
  let energy = 0;
  for (let start = 0; start < rows.length; start += 4 * columns) {
    for (const [offset, row] of [row0, row1, row2, row3].entries()) {
      row.fill(0);
      row.set(rows.subarray(start + offset * columns, start + (offset + 1) * columns));
    }
    for (let i = 0; i < columns; i++) {
      const half = gram[i * columns + i]! / 2;
      let sum0 = row0[i]! * half;
      let sum1 = row1[i]! * half;
      let sum2 = row2[i]! * half;
      let sum3 = row3[i]! * half;
      for (let j = i + 1; j < columns; j++) {
        const value = gram[i * columns + j]!;
        sum0 += row0[j]! * value;
        sum1 += row1[j]! * value;
        sum2 += row2[j]! * value;
        sum3 += row3[j]! * value;
      }
      energy += 2 * (row0[i]! * sum0 + row1[i]! * sum1 + row2[i]! * sum2 + row3[i]! * sum3);
    }
  }
  return energy;
}
