/**
 * @file Blocked Cholesky factor and triangular inverse in float64, row-major.
 *
 * Both go block of columns by block of columns and leave nearly all the work to one kernel on contiguous rows, C -= A·Bᵀ.
 */

/** Columns finished together: two panels of this width stay in the second-level cache. */
const blockSize = 64;

/**
 * Overwrites the lower triangle of `matrix` ([size, size], symmetric, only the lower triangle is read) with its Cholesky factor.
 *
 * Returns false, and leaves `matrix` half-done, when it is not positive definite.
 */
export function factorCholesky(matrix: Float64Array, size: number): boolean {
  for (let start = 0; start < size; start += blockSize) {
    const end = Math.min(size, start + blockSize);
    const all = { target: matrix, factor: matrix, size, start, end };
    subtractProducts(all, { firstRow: start, endRow: size, depthStart: 0 });
    for (let column = start; column < end; column++) {
      const above = partialProduct(all, column, column);
      const pivot = matrix[column * size + column]! - above;
      if (!(pivot > 0 && pivot < Number.POSITIVE_INFINITY)) return false;
      matrix[column * size + column] = Math.sqrt(pivot);
      for (let row = column + 1; row < end; row++) solveEntry(all, row, column);
    }
    for (let row = end; row < size; row++) solveRow(all, row);
  }
  return true;
}

/**
 * The transposed inverse Y = L⁻ᵀ of a lower factor L ([size, size]): upper triangular, zeros below the diagonal.
 *
 * Row by row it solves Y·Lᵀ = I, the same substitution that the panels of the Cholesky factor need.
 */
export function transposedInverse(factor: Float64Array, size: number): Float64Array {
  const target = new Float64Array(size * size);
  for (let diagonal = 0; diagonal < size; diagonal++) target[diagonal * size + diagonal] = 1;
  for (let start = 0; start < size; start += blockSize) {
    const end = Math.min(size, start + blockSize);
    const panel = { target, factor, size, start, end };
    // Row r of Y is zero before column r, so each block of rows starts its sums at its own first column.
    for (let firstRow = 0; firstRow < start; firstRow += blockSize) {
      subtractProducts(panel, { firstRow, endRow: firstRow + blockSize, depthStart: firstRow });
    }
    for (let row = 0; row < end; row++) solveRow(panel, row);
  }
  return target;
}

/** Columns [start, end) of `target`, which meet the rows of `factor` with the same numbers; both are [size, size]. */
interface Panel {
  readonly target: Float64Array;
  readonly factor: Float64Array;
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

/** Substitution for one row of the panel: target[row, start:end] · factor[start:end, start:end]ᵀ⁻¹. */
function solveRow(panel: Panel, row: number): void {
  const firstColumn = panel.target === panel.factor ? panel.start : Math.max(panel.start, row);
  for (let column = firstColumn; column < panel.end; column++) solveEntry(panel, row, column);
}

function solveEntry(panel: Panel, row: number, column: number): void {
  const { target, factor, size } = panel;
  const sum = partialProduct(panel, row, column);
  target[row * size + column] = (target[row * size + column]! - sum) / factor[column * size + column]!;
}

/** target[row, start:column] · factor[column, start:column]. */
function partialProduct({ target, factor, size, start }: Panel, row: number, column: number): number {
  const rowOffset = row * size;
  const columnOffset = column * size;
  let sum = 0;
  for (let k = start; k < column; k++) sum += target[rowOffset + k]! * factor[columnOffset + k]!;
  return sum;
}

/** target[rows, start:end] -= target[rows, depthStart:start] · factor[start:end, depthStart:start]ᵀ in tiles of 2 x 4 registers. */
function subtractProducts(
  { target, factor, size, start, end }: Panel,
  { firstRow, endRow, depthStart }: { firstRow: number; endRow: number; depthStart: number },
): void {
  for (let row = firstRow; row < endRow; row += 2) {
    const upper = row * size;
    // An odd last row is computed twice and stored once.
    const lower = row + 1 < endRow ? upper + size : upper;
    let column = start;
    for (; column + 4 <= end; column += 4) {
      const c0 = column * size;
      const c1 = c0 + size;
      const c2 = c1 + size;
      const c3 = c2 + size;
      let [u0, u1, u2, u3, l0, l1, l2, l3] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let k = depthStart; k < start; k++) {
        const u = target[upper + k]!;
        const l = target[lower + k]!;
        const f0 = factor[c0 + k]!;
        const f1 = factor[c1 + k]!;
        u0 += u * f0;
        l0 += l * f0;
        u1 += u * f1;
        l1 += l * f1;
        const f2 = factor[c2 + k]!;
        const f3 = factor[c3 + k]!;
        u2 += u * f2;
        l2 += l * f2;
        u3 += u * f3;
        l3 += l * f3;
      }
      subtractFour(target, upper + column, [u0, u1, u2, u3]);
      if (lower !== upper) subtractFour(target, lower + column, [l0, l1, l2, l3]);
    }
    for (; column < end; column++) {
      let u = 0;
      let l = 0;
      for (let k = depthStart; k < start; k++) {
        u += target[upper + k]! * factor[column * size + k]!;
        l += target[lower + k]! * factor[column * size + k]!;
      }
      target[upper + column] = target[upper + column]! - u;
      if (lower !== upper) target[lower + column] = target[lower + column]! - l;
    }
  }
}

function subtractFour(
  target: Float64Array,
  offset: number,
  amounts: readonly [number, number, number, number],
): void {
  target[offset] = target[offset]! - amounts[0];
  target[offset + 1] = target[offset + 1]! - amounts[1];
  target[offset + 2] = target[offset + 2]! - amounts[2];
  target[offset + 3] = target[offset + 3]! - amounts[3];
}
