/** @file Output errors in plain loops and float64: what the engine computes in float32 (src/quantization/engine-energies.ts). */
import type { Matrix } from "../src/quantization/matrix.ts";
import type { GroupEnergies } from "../src/quantization/output-clip.ts";

/** tr(D·G·Dᵀ). */
export async function rowEnergy(rows: Matrix, gram: Matrix): Promise<number> {
  let energy = 0;
  for (let row = 0; row < rows.rows; row++) {
    energy += quadraticForm(rows.values.subarray(row * rows.columns, (row + 1) * rows.columns), gram.values);
  }
  return energy;
}

/** d·G·dᵀ of every group. */
export const groupEnergies: GroupEnergies = async (differences, blocks, { rows, groups, groupSize }) =>
  Float32Array.from({ length: rows * groups }, (_, index) => {
    const group = index % groups;
    const block = blocks.subarray(group * groupSize ** 2, (group + 1) * groupSize ** 2);
    return quadraticForm(differences.subarray(index * groupSize, (index + 1) * groupSize), block);
  });

function quadraticForm(vector: Float32Array, matrix: Float32Array): number {
  let sum = 0;
  for (const [row, left] of vector.entries()) {
    for (const [column, right] of vector.entries())
      sum += left * matrix[row * vector.length + column]! * right;
  }
  return sum;
}
