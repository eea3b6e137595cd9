/**
 * @file AWQ's clip search: shrink a group's range step by step and keep the grid whose share of the linear's output error is least.
 *
 * As in the code of {@link https://arxiv.org/abs/2306.00978 | AWQ} (`auto_clip`): the largest magnitude of the group times 1 - step / 20 for
 * 10 steps; the first of equal candidates wins. A group's share is d·G·dᵀ for its differences d and its diagonal block G of the Gram matrix.
 *
 * Departures:
 * 1. The whole calibration text decides, by its Gram matrix; the authors' code samples 512 tokens.
 * 2. Weights beyond the cut go to the nearest code; the authors' code clamps them first, from where rounding may lead one code further in.
 * 3. Query and key projections are clipped like the others; the authors' code leaves them out. On the pocket model at 3 bits the divergence from
 *    full precision is 0.46 with them clipped and 0.52 without (128 validation solutions, docs/log.md).
 */
import type { GridKind } from "./grid.ts";
import { encode, spanningGrid } from "./grid.ts";
import { groupWidth, type GridOptions } from "./grid-options.ts";
import { sharedFloats } from "./layer-parameters.ts";
import type { Matrix } from "./matrix.ts";

/** Scales and zero points of a matrix, each [rows, groups]. */
export interface MatrixGrids {
  readonly scales: Float32Array;
  readonly zeroPoints: Uint8Array;
}

/** d·G·dᵀ of every group: `differences` [rows, groups, groupSize], `blocks` [groups, groupSize, groupSize]; returns [rows, groups]. */
export type GroupEnergies = (
  differences: Float32Array,
  blocks: Float32Array,
  shape: { readonly rows: number; readonly groups: number; readonly groupSize: number },
) => Promise<Float32Array>;

const stepsPerRange = 20;
const steps = 10;

/** The grids of least output error of each group on its own, for inputs with the Gram matrix `gram` ([in, in]). */
export async function searchOutputGrids(
  weight: Matrix,
  grid: GridOptions,
  { gram, groupEnergies }: { gram: Matrix; groupEnergies: GroupEnergies },
): Promise<MatrixGrids> {
  const { rows, columns } = weight;
  const groupSize = groupWidth(weight, grid.groupSize);
  const groups = columns / groupSize;
  const blocks = diagonalBlocks(gram, groupSize);
  const best = { scales: new Float32Array(rows * groups), zeroPoints: new Uint8Array(rows * groups) };
  const least = new Float64Array(rows * groups).fill(Number.POSITIVE_INFINITY);
  const differences = sharedFloats([rows, columns]).data;
  for (let step = 0; step < steps; step++) {
    const grids = clippedGrids(weight, grid, { groupSize, factor: 1 - step / stepsPerRange, differences });
    // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
    const energies = await groupEnergies(differences, blocks, { rows, groups, groupSize });
    for (const [group, energy] of energies.entries()) {
      if (!(energy < least[group]!)) continue;
      least[group] = energy;
      best.scales[group] = grids.scales[group]!;
      best.zeroPoints[group] = grids.zeroPoints[group]!;
    }
  }
  return best;
}

/** Fits every group's grid to its range cut at `factor` times its largest magnitude; writes w - ŵ of the uncut weights to `differences`. */
function clippedGrids(
  { values }: Matrix,
  kind: GridKind,
  { groupSize, factor, differences }: { groupSize: number; factor: number; differences: Float32Array },
): MatrixGrids {
  const groups = values.length / groupSize;
  const scales = new Float32Array(groups);
  const zeroPoints = new Uint8Array(groups);
  const maxCode = 2 ** kind.bits - 1;
  for (let group = 0; group < groups; group++) {
    const start = group * groupSize;
    const end = start + groupSize;
    let low = 0;
    let high = 0;
    for (let at = start; at < end; at++) {
      if (values[at]! < low) low = values[at]!;
      if (values[at]! > high) high = values[at]!;
    }
    const limit = factor * Math.max(-low, high);
    const range = { low: Math.max(low, -limit), high: Math.min(high, limit) };
    const grid = spanningGrid(range, kind);
    for (let at = start; at < end; at++) {
      const code = encode(values[at]!, grid, maxCode);
      differences[at] = values[at]! - (code - grid.zeroPoint) * grid.scale;
    }
    scales[group] = grid.scale;
    zeroPoints[group] = grid.zeroPoint;
  }
  return { scales, zeroPoints };
}

/** The blocks of `gram` on its diagonal, [groups, groupSize, groupSize]. */
function diagonalBlocks({ values, columns }: Matrix, groupSize: number): Float32Array {
  const blocks = sharedFloats([columns, groupSize]).data;
  for (let row = 0; row < columns; row++) {
    const start = row * columns + row - (row % groupSize);
    blocks.set(values.subarray(start, start + groupSize), row * groupSize);
  }
  return blocks;
}
