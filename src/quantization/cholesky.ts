/**
 * @file Blocked Cholesky factor and triangular inverse in float64, row-major.
 *
 * Both finish a panel of columns at a time, by one substitution, and hand the rest to {@link SubtractProduct}: nearly all the work.
 */
import { copyRectangle, subtractProduct, type SubtractProduct } from "./subtract-product.ts";

/** Columns finished by one substitution, which costs size² · panelWidth / 2 in all. */
const panelWidth = 64;
/** Columns whose effect on the rest is one product: of this depth, so that the rest is passed over less often. */
const blockWidth = 256;
/** Rows updated together: above the diagonal nothing is needed, so finer steps waste less. */
const rowsPerUpdate = 512;

/**
 * Overwrites the lower triangle of `matrix` ([size, size], symmetric, only the lower triangle is read) with its Cholesky factor.
 *
 * Resolves to false, and leaves `matrix` half-done, when it is not positive definite.
 */
export async function factorCholesky(
  matrix: Float64Array,
  size: number,
  subtract: SubtractProduct = subtractProduct,
): Promise<boolean> {
  for (let block = 0; block < size; block += blockWidth) {
    const blockEnd = Math.min(size, block + blockWidth);
    for (let start = block; start < blockEnd; start += panelWidth) {
      const end = Math.min(blockEnd, start + panelWidth);
      const panel = { target: matrix, size, start, end, factor: matrix, factorStride: size, factorStart: 0 };
      if (!factorDiagonal(panel)) return false;
      solveRows(panel, end, size);
      const columns = [start, end] as const;
      // oxlint-disable-next-line eslint/no-await-in-loop -- the next panel needs it
      await subtract({
        target: matrix,
        stride: size,
        rows: [end, size],
        columns: [end, blockEnd],
        left: copyRectangle(matrix, size, { rows: [end, size], columns }),
        right: copyRectangle(matrix, size, { rows: [end, blockEnd], columns }),
        depth: end - start,
      });
    }
    const depth = blockEnd - block;
    const left = copyRectangle(matrix, size, { rows: [blockEnd, size], columns: [block, blockEnd] });
    for (let row = blockEnd; row < size; row += rowsPerUpdate) {
      const rowEnd = Math.min(size, row + rowsPerUpdate);
      // oxlint-disable-next-line eslint/no-await-in-loop -- the next block needs it
      await subtract({
        target: matrix,
        stride: size,
        rows: [row, rowEnd],
        columns: [blockEnd, rowEnd],
        left: left.subarray((row - blockEnd) * depth, (rowEnd - blockEnd) * depth),
        right: left.subarray(0, (rowEnd - blockEnd) * depth),
        depth,
      });
    }
  }
  return true;
}

/** Factors the square on the diagonal that a panel begins with; false when it is not positive definite. */
function factorDiagonal(panel: Panel): boolean {
  const { target, size, start, end } = panel;
  for (let diagonal = start; diagonal < end; diagonal++) {
    const pivot = target[diagonal * size + diagonal]! - partialProduct(panel, diagonal, diagonal);
    if (!(pivot > 0 && pivot < Number.POSITIVE_INFINITY)) return false;
    target[diagonal * size + diagonal] = Math.sqrt(pivot);
    for (let row = diagonal + 1; row < end; row++) solveEntry(panel, row, diagonal);
  }
  return true;
}

/**
 * Overwrites a lower factor L ([size, size], only the lower triangle is read) with its transposed inverse Y = L⁻ᵀ: upper triangular, zeros below
 * the diagonal.
 *
 * It solves Y·Lᵀ = I, the substitution that the panels of the Cholesky factor need too; a block of L is done with when its columns of Y are there.
 */
export async function invertTransposed(
  matrix: Float64Array,
  size: number,
  subtract: SubtractProduct = subtractProduct,
): Promise<void> {
  for (let row = 0; row < size; row++) matrix.fill(0, row * size + row + 1, (row + 1) * size);
  for (let block = 0; block < size; block += blockWidth) {
    const blockEnd = Math.min(size, block + blockWidth);
    const width = blockEnd - block;
    const factor = copyRectangle(matrix, size, { rows: [block, size], columns: [block, blockEnd] });
    for (let row = block; row < size; row++) matrix.fill(0, row * size + block, row * size + blockEnd);
    for (let diagonal = block; diagonal < blockEnd; diagonal++) matrix[diagonal * size + diagonal] = 1;
    for (let start = block; start < blockEnd; start += panelWidth) {
      const end = Math.min(blockEnd, start + panelWidth);
      const panel = { target: matrix, size, start, end, factor, factorStride: width, factorStart: block };
      solveRows(panel, 0, start);
      for (let row = start; row < end; row++) solveRow(panel, row, row);
      // oxlint-disable-next-line eslint/no-await-in-loop -- the next panel needs it
      await subtract({
        target: matrix,
        stride: size,
        rows: [0, end],
        columns: [end, blockEnd],
        left: copyRectangle(matrix, size, { rows: [0, end], columns: [start, end] }),
        right: copyRectangle(factor, width, {
          rows: [end - block, width],
          columns: [start - block, end - block],
        }),
        depth: end - start,
      });
    }
    // oxlint-disable-next-line eslint/no-await-in-loop -- the next block needs it
    await subtract({
      target: matrix,
      stride: size,
      rows: [0, blockEnd],
      columns: [blockEnd, size],
      left: copyRectangle(matrix, size, { rows: [0, blockEnd], columns: [block, blockEnd] }),
      right: factor.subarray(width * width),
      depth: width,
    });
  }
}

/** Columns [start, end) of `target` ([size, size]), which meet the rows of `factor` with the same numbers. */
interface Panel {
  readonly target: Float64Array;
  readonly size: number;
  readonly start: number;
  readonly end: number;
  readonly factor: Float64Array;
  readonly factorStride: number;
  /** The row and column of the target that row 0 and column 0 of `factor` stand for. */
  readonly factorStart: number;
}

/** Substitution for rows of which nothing is known to be zero, four at a time: each number of the factor that is read serves all. */
function solveRows(panel: Panel, firstRow: number, endRow: number): void {
  const { start, end } = panel;
  const wholeEnd = firstRow + 4 * Math.floor((endRow - firstRow) / 4);
  for (let row = firstRow; row < wholeEnd; row += 4) {
    for (let column = start; column < end; column++) solveFour(panel, row, column);
  }
  for (let row = wholeEnd; row < endRow; row++) solveRow(panel, row, start);
}

/** As {@link solveEntry} for four rows, bit for bit. */
function solveFour(
  { target, size, start, factor, factorStride, factorStart }: Panel,
  row: number,
  column: number,
): void {
  const row0 = row * size;
  const row1 = row0 + size;
  const row2 = row1 + size;
  const row3 = row2 + size;
  const columnOffset = (column - factorStart) * factorStride - factorStart;
  const pivot = factor[(column - factorStart) * (factorStride + 1)]!;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (let k = start; k < column; k++) {
    const value = factor[columnOffset + k]!;
    sum0 += target[row0 + k]! * value;
    sum1 += target[row1 + k]! * value;
    sum2 += target[row2 + k]! * value;
    sum3 += target[row3 + k]! * value;
  }
  target[row0 + column] = (target[row0 + column]! - sum0) / pivot;
  target[row1 + column] = (target[row1 + column]! - sum1) / pivot;
  target[row2 + column] = (target[row2 + column]! - sum2) / pivot;
  target[row3 + column] = (target[row3 + column]! - sum3) / pivot;
}

/** Substitution for one row of the panel: target[row, start:end] · factor[start:end, start:end]ᵀ⁻¹, known to be zero before `firstColumn`. */
function solveRow(panel: Panel, row: number, firstColumn: number): void {
  for (let column = firstColumn; column < panel.end; column++) solveEntry(panel, row, column);
}

function solveEntry(panel: Panel, row: number, column: number): void {
  const { target, factor, size, factorStride, factorStart } = panel;
  const sum = partialProduct(panel, row, column);
  const pivot = factor[(column - factorStart) * (factorStride + 1)]!;
  target[row * size + column] = (target[row * size + column]! - sum) / pivot;
}

/** target[row, start:column] · factor[column, start:column]. */
function partialProduct(
  { target, factor, size, start, factorStride, factorStart }: Panel,
  row: number,
  column: number,
): number {
  const rowOffset = row * size;
  const columnOffset = (column - factorStart) * factorStride - factorStart;
  let sum = 0;
  for (let k = start; k < column; k++) sum += target[rowOffset + k]! * factor[columnOffset + k]!;
  return sum;
}
