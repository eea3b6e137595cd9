/**
 * @file Round-to-nearest (RTN): every weight goes to the nearest code of its group's grid.
 *
 * The data-free baseline that {@link https://arxiv.org/abs/2210.17323 | GPTQ, Frantar et al. 2022} compares with.
 */
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { encode } from "./grid.ts";
import { groupWidth, type GridOptions } from "./grid-options.ts";
import { fitGroupGrid } from "./group-grid.ts";
import type { Matrix } from "./matrix.ts";
import type { MatrixGrids } from "./output-clip.ts";

/**
 * Quantizes `weight` ([out, in]) group by group along its input features, to `grids` where they were chosen beforehand.
 *
 * @throws {BitmendError} `quantization/bad-options` when the group size does not divide the input features.
 */
export function quantizeRtn(weight: Matrix, grid: GridOptions, grids?: MatrixGrids): QuantizedMatrix {
  const { rows, columns } = weight;
  const { bits, symmetric, activations } = grid;
  const groupSize = groupWidth(weight, grid.groupSize);
  const maxCode = 2 ** bits - 1;
  const codes = new Uint8Array(rows * columns);
  const scales = new Float32Array((rows * columns) / groupSize);
  const zeroPoints = new Uint8Array(scales.length);
  const values = new Float64Array(groupSize);
  for (let group = 0; group < scales.length; group++) {
    const groupStart = group * groupSize;
    values.set(weight.values.subarray(groupStart, groupStart + groupSize));
    const groupGrid =
      grids === undefined
        ? fitGroupGrid(values, grid)
        : { scale: grids.scales[group]!, zeroPoint: grids.zeroPoints[group]! };
    scales[group] = groupGrid.scale;
    zeroPoints[group] = groupGrid.zeroPoint;
    for (let offset = 0; offset < groupSize; offset++) {
      codes[groupStart + offset] = encode(values[offset]!, groupGrid, maxCode);
    }
  }
  const quantized = { bits, rows, columns, groupSize, symmetric, codes, scales, zeroPoints };
  return activations === null ? quantized : { ...quantized, activations };
}
