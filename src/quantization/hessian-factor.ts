import { BitmendError } from "../util/errors.ts";
import { factorCholesky, invertTransposed } from "./cholesky.ts";
import type { GptqOptions } from "./gptq-options.ts";
import type { Matrix } from "./matrix.ts";
import { subtractProduct, type SubtractProduct } from "./subtract-product.ts";

/** What GPTQ needs to know about a linear's inputs; linears that read the same input share one. */
export interface HessianFactor {
  /** [in], the input feature at each place of the rounding order. */
  readonly order: Uint32Array;
  /** [in, in] in rounding order: the upper Cholesky factor U of the inverse Hessian, H⁻¹ = Uᵀ·U (paper, algorithm 1). */
  readonly inverseFactor: Float64Array;
  /** The damping that made the Hessian positive definite; more than was asked for if that failed. */
  readonly dampingFraction: number;
  /** Input features that calibration never excited. */
  readonly deadFeatures: number;
}

/** Damping grows by this factor each time the Hessian is not positive definite, from at least `leastRetry`. */
const dampingGrowth = 10;
const leastRetry = 1e-4;
/** At this damping the Hessian's diagonal is at least doubled; a matrix that still fails is no Gram matrix. */
const dampingLimit = 1;

/**
 * Factors the inverse of the damped Hessian of a linear whose inputs X ([tokens, in]) have the Gram matrix XᵀX.
 *
 * The paper's H = 2XXᵀ differs by a constant, which cancels: damping is relative to the mean diagonal.
 *
 * @throws {BitmendError} `quantization/bad-gram-matrix` when the matrix is not square or not finite, or no damping up to 1 makes it positive definite.
 */
export async function factorHessian(
  gram: Matrix,
  { dampingFraction, columnOrder }: Pick<GptqOptions, "dampingFraction" | "columnOrder">,
  subtract: SubtractProduct = subtractProduct,
): Promise<HessianFactor> {
  const size = gram.columns;
  const { diagonal, meanDiagonal, deadFeatures } = checkedDiagonal(gram);
  const order = roundingOrder(diagonal, columnOrder);
  // One array from the Hessian to the result: for 14,336 inputs it takes 1.6 GB.
  const matrix = new Float64Array(new SharedArrayBuffer(size * size * Float64Array.BYTES_PER_ELEMENT));
  for (
    let damping = dampingFraction;
    damping <= dampingLimit;
    damping = Math.max(leastRetry, damping * dampingGrowth)
  ) {
    fillReversedHessian(matrix, gram, {
      order,
      damping: damping * meanDiagonal,
      deadValue: meanDiagonal,
    });
    // oxlint-disable-next-line eslint/no-await-in-loop -- a try with more damping only where one has failed
    if (await factorCholesky(matrix, size, subtract)) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- the last round
      await invertTransposed(matrix, size, subtract);
      mirrorAtAntidiagonal(matrix, size);
      return { order, inverseFactor: matrix, dampingFraction: damping, deadFeatures };
    }
  }
  throw new BitmendError(
    "quantization/bad-gram-matrix",
    `factorHessian(): expected a positive semi-definite Gram matrix, got one [${size}, ${size}] that is not positive definite even at damping ${dampingLimit}.`,
    { hint: "Calibrate on more text, and check the inputs of this linear for overflow." },
  );
}

function checkedDiagonal(gram: Matrix): {
  diagonal: Float64Array;
  meanDiagonal: number;
  deadFeatures: number;
} {
  const { rows, columns: size, values } = gram;
  if (rows !== size || values.length !== size * size || !values.every((value) => Number.isFinite(value))) {
    throw new BitmendError(
      "quantization/bad-gram-matrix",
      `factorHessian(): expected a square matrix of finite numbers, got [${rows}, ${size}] with ${values.length} values, ` +
        `${values.filter((value) => !Number.isFinite(value)).length} of them not finite.`,
      { hint: "The linear's inputs overflow on the calibration text: check the checkpoint." },
    );
  }
  const diagonal = Float64Array.from({ length: size }, (_, feature) => values[feature * size + feature]!);
  const live = diagonal.filter((value) => value > 0);
  const meanDiagonal = live.length === 0 ? 1 : live.reduce((sum, value) => sum + value, 0) / live.length;
  return { diagonal, meanDiagonal, deadFeatures: size - live.length };
}

/** Places → features; the sort is stable, so equal inputs keep their stored order. */
function roundingOrder(diagonal: Float64Array, columnOrder: GptqOptions["columnOrder"]): Uint32Array {
  const features = Uint32Array.from(diagonal, (_, feature) => feature);
  if (columnOrder === "natural") return features;
  return features.toSorted((left, right) => diagonal[right]! - diagonal[left]! || left - right);
}

/** Writes the lower triangle of the damped Hessian with places counted from the end; a dead feature stands alone with the mean diagonal. */
function fillReversedHessian(
  target: Float64Array,
  { values, columns: size }: Matrix,
  { order, damping, deadValue }: { order: Uint32Array; damping: number; deadValue: number },
): void {
  for (let row = 0; row < size; row++) {
    const rowStart = order[size - 1 - row]! * size;
    for (let column = 0; column < row; column++) {
      target[row * size + column] = values[rowStart + order[size - 1 - column]!]!;
    }
    const diagonal = values[rowStart + order[size - 1 - row]!]!;
    target[row * size + row] = (diagonal > 0 ? diagonal : deadValue) + damping;
  }
}

/** Elements on a side of the squares that change places together: both fit a core's first cache. */
const tileWidth = 32;

/**
 * U from Y = L⁻ᵀ, where L is the lower factor of the reversed Hessian P·H·P: an upper triangle is mirrored in place.
 *
 * H = (P·L·P)(P·L·P)ᵀ with P·L·P upper, so U = (P·L·P)⁻¹ = P·Yᵀ·P: one factorization instead of the textbook's
 * three (factor, invert, factor again), and no cancellation in between.
 */
function mirrorAtAntidiagonal(matrix: Float64Array, size: number): void {
  for (let tileRow = 0; tileRow < size; tileRow += tileWidth) {
    for (let tileColumn = tileRow; tileColumn < size - tileRow; tileColumn += tileWidth) {
      mirrorTile(matrix, size, [tileRow, tileColumn]);
    }
  }
}

/** Swaps the elements of a square above both diagonals with their mirror images. */
function mirrorTile(
  matrix: Float64Array,
  size: number,
  [tileRow, tileColumn]: readonly [number, number],
): void {
  for (let row = tileRow; row < Math.min(size, tileRow + tileWidth); row++) {
    const columnEnd = Math.min(size - 1 - row, tileColumn + tileWidth);
    for (let column = Math.max(row, tileColumn); column < columnEnd; column++) {
      const here = row * size + column;
      const image = (size - 1 - column) * size + size - 1 - row;
      const value = matrix[here]!;
      matrix[here] = matrix[image]!;
      matrix[image] = value;
    }
  }
}
