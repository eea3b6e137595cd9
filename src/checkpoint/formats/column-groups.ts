/**
 * @file Files that name the group of every column (`g_idx`): with GPTQ's activation order and no static groups, columns of one group lie
 * anywhere, which no `QuantizedMatrix` holds.
 */
import type { QuantizedMatrix } from "../quantized-matrix.ts";
import { storedWeight, type StoredWeight } from "../stored-weight.ts";

/** The first group, of those of the columns, that there is not; undefined if there is none. */
export function groupOutOfRange(groupOf: Int32Array, groups: number): number | undefined {
  return groupOf.find((group) => group < 0 || group >= groups);
}

/** A matrix as it is if the columns of each group lie side by side in order of the groups, else its numbers. */
export function weightByColumnGroups(matrix: QuantizedMatrix, groupOf: Int32Array): StoredWeight {
  const { rows, columns, groupSize, codes, scales, zeroPoints } = matrix;
  if (groupOf.every((group, column) => group === Math.floor(column / groupSize))) return storedWeight(matrix);
  const groups = columns / groupSize;
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const group = row * groups + groupOf[column]!;
      const index = row * columns + column;
      values[index] = (codes[index]! - zeroPoints[group]!) * scales[group]!;
    }
  }
  return { kind: "dense", values };
}
