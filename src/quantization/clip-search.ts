/**
 * @file Clip search: shrink a group's range step by step and keep the grid of least error Σ|w - ŵ|^2.4.
 *
 * As in AutoGPTQ's `Quantizer(mse=True, norm=2.4, grid=100, maxshrink=0.8)`: candidates are the full range times
 * 1 - step / 100 for 80 steps; the first of equal candidates wins.
 */
import {
  encode,
  spanningGrid,
  weightRange,
  type GridKind,
  type GroupGrid,
  type WeightRange,
} from "./grid.ts";

const errorNorm = 2.4;
const stepsPerRange = 100;
const maxShrink = 0.8;

/** The clipped grid of least error for one group of weights. */
export function searchClippedGrid(values: Float64Array, kind: GridKind): GroupGrid {
  const range = weightRange(values);
  let best = spanningGrid(range, kind);
  let leastError = Number.POSITIVE_INFINITY;
  for (let step = 0; step < maxShrink * stepsPerRange; step++) {
    const grid = spanningGrid(shrink(range, 1 - step / stepsPerRange), kind);
    const error = gridError(values, grid, { maxCode: 2 ** kind.bits - 1, limit: leastError });
    if (error < leastError) {
      leastError = error;
      best = grid;
    }
  }
  return best;
}

function shrink({ low, high }: WeightRange, factor: number): WeightRange {
  return { low: low * factor, high: high * factor };
}

/** Σ|w - ŵ|^2.4, given up as soon as it reaches `limit`. */
function gridError(
  values: Float64Array,
  grid: GroupGrid,
  { maxCode, limit }: { maxCode: number; limit: number },
): number {
  let error = 0;
  for (const value of values) {
    const distance = Math.abs((encode(value, grid, maxCode) - grid.zeroPoint) * grid.scale - value);
    if (distance > 0) error += distance ** errorNorm;
    if (error >= limit) return error;
  }
  return error;
}
