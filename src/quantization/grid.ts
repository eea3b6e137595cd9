/**
 * @file The affine grid of one group of weights: `weight ≈ (code - zeroPoint) · scale`.
 *
 * The scale is rounded to fp16 BEFORE any code is computed, so every file format holds the same numbers. Zero is always
 * on the grid: a pruned weight stays exactly 0. Everything here is float64 arithmetic.
 *
 * Symmetric grids use compressed-tensors' scale absmax / ((2^bits - 1) / 2), not absmax / (2^(bits-1) - 1): it keeps all
 * 2^bits codes in use. Mean squared error on 200,000 standard normal weights, group 64 (seed 1, measured):
 * 2 bit 0.260 against 0.514, 3 bit 0.0488 against 0.0637, 4 bit 0.01074 against 0.01178, 8 bit 3.67e-5 against 3.53e-5.
 */
import type { Bits } from "../checkpoint/quantized-matrix.ts";
import { BitmendError } from "../util/errors.ts";

/** Scale (weight units per code step) and zero point of one group. */
export interface GroupGrid {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Bits and symmetry: what a grid needs to know besides the range. */
export interface GridKind {
  readonly bits: Bits;
  readonly symmetric: boolean;
}

/** The smallest and largest weight of a group, widened to include 0. */
export interface WeightRange {
  readonly low: number;
  readonly high: number;
}

/** The range of a group. */
export function weightRange(values: Float64Array): WeightRange {
  let low = 0;
  let high = 0;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/**
 * The grid that spans `range`.
 *
 * A group of zeros gets the smallest normal fp16 scale, so that dividing by it is safe.
 *
 * @throws {BitmendError} `quantization/unrepresentable` when the scale is beyond fp16 (or the range is not finite).
 */
export function spanningGrid({ low, high }: WeightRange, { bits, symmetric }: GridKind): GroupGrid {
  const maxCode = 2 ** bits - 1;
  const width = symmetric ? 2 * Math.max(-low, high) : high - low;
  const step = width / maxCode;
  const scale = step === 0 ? smallestNormalHalf : halfScale(step);
  if (symmetric) return { scale, zeroPoint: 2 ** (bits - 1) };
  return { scale, zeroPoint: Math.min(maxCode, roundHalfToEven(-low / scale)) };
}

/** The code of `weight`: nearest on the grid, ties to even, clamped to 0 … 2^bits - 1. */
export function encode(weight: number, { scale, zeroPoint }: GroupGrid, maxCode: number): number {
  const code = roundHalfToEven(weight / scale) + zeroPoint;
  return code < 0 ? 0 : code > maxCode ? maxCode : code;
}

/** Rounds as `torch.round` and numpy do, by the float64 grid above 2^52 (exact for magnitudes below 2^51). */
export function roundHalfToEven(value: number): number {
  return value + roundingShift - roundingShift;
}

const roundingShift = 1.5 * 2 ** 52;
const smallestNormalHalf = 2 ** -14;
const smallestSubnormalHalf = 2 ** -24;
const largestHalf = 65_504;

/** The nearest fp16 number; below fp16's normal range the next one up, where rounding down could lose much of the range. */
function halfScale(scale: number): number {
  const nearest = Math.f16round(scale);
  if (!(nearest <= largestHalf)) {
    throw new BitmendError(
      "quantization/unrepresentable",
      `spanningGrid(): expected a scale that fp16 can hold (at most ${largestHalf}), got ${scale}.`,
      { hint: "The weights are not finite or far larger than any trained model's: check the checkpoint." },
    );
  }
  return nearest < smallestNormalHalf && nearest < scale ? nearest + smallestSubnormalHalf : nearest;
}
