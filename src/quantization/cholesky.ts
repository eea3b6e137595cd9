/**
 * @file Blocked Cholesky factor and triangular inverse in float64, row-major.
 *
 * Columns are halved until they are a panel: the left half is finished, its effect on the right half is one product, then the right half is finished.
 * So nearly all the work is {@link SubtractProduct}, of large depth, and each number is passed over a few times only.
 */
import { copyRectangle, subtractProduct, type SubtractProduct } from "./subtract-product.ts";

/** Columns finished one by one. */
const panelWidth = 64;
/** Columns of which a copy is held. */
const blockWidth = 1024;
/** Rows updated together: above the diagonal nothing is needed, so finer steps waste less. */
const rowsPerUpdate = 512;

/** Half-open. */
type Range = readonly [start: number, end: number];

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
  const work = { matrix, size, subtract };
  for (let block = 0; block < size; block += blockWidth) {
    const blockEnd = Math.min(size, block + blockWidth);
    // oxlint-disable-next-line eslint/no-await-in-loop -- the next block needs it
    if (!(await factorColumns(work, [block, blockEnd]))) return false;
    // oxlint-disable-next-line eslint/no-await-in-loop -- the next block needs it
    await subtractLower(work, [block, blockEnd], size);
  }
  return true;
}

/** A matrix in the making. */
interface Work {
  readonly matrix: Float64Array;
  readonly size: number;
  readonly subtract: SubtractProduct;
}

/** Factors columns that carry the effect of all before them; false when the matrix is not positive definite. */
async function factorColumns(work: Work, columns: Range): Promise<boolean> {
  const { matrix, size } = work;
  const [start, end] = columns;
  if (end - start > panelWidth) {
    const middle = middleOf(columns);
    if (!(await factorColumns(work, [start, middle]))) return false;
    await subtractLower(work, [start, middle], end);
    return factorColumns(work, [middle, end]);
  }
  if (!factorDiagonal(matrix, size, columns)) return false;
  const triangle = copyRectangle(matrix, size, { rows: columns, columns });
  await divideRows(work, { rows: [end, size], columns }, negatedInverse(triangle, end - start, end - start));
  return true;
}

/** Whole panels to the left. */
function middleOf([start, end]: Range): number {
  return start + panelWidth * Math.ceil((end - start) / panelWidth / 2);
}

/** Subtracts the effect of finished `columns` from the lower triangle of those after them, up to `end`. */
async function subtractLower({ matrix, size, subtract }: Work, columns: Range, end: number): Promise<void> {
  const [start, middle] = columns;
  const depth = middle - start;
  const left = copyRectangle(matrix, size, { rows: [middle, size], columns });
  for (let row = middle; row < size;) {
    // Where no more than one step lies above the diagonal, all rows go together.
    const rowEnd = row + rowsPerUpdate < end ? row + rowsPerUpdate : size;
    const columnEnd = Math.min(end, rowEnd);
    // oxlint-disable-next-line eslint/no-await-in-loop -- bounds memory
    await subtract({
      target: matrix,
      stride: size,
      rows: [row, rowEnd],
      columns: [middle, columnEnd],
      left: left.subarray((row - middle) * depth, (rowEnd - middle) * depth),
      right: left.subarray(0, (columnEnd - middle) * depth),
      depth,
    });
    row = rowEnd;
  }
}

/** Factors the square on the diagonal; false when it is not positive definite. */
function factorDiagonal(matrix: Float64Array, size: number, [start, end]: Range): boolean {
  const product = (row: number, column: number): number => {
    let sum = 0;
    for (let k = start; k < column; k++) sum += matrix[row * size + k]! * matrix[column * size + k]!;
    return sum;
  };
  for (let diagonal = start; diagonal < end; diagonal++) {
    const pivot = matrix[diagonal * size + diagonal]! - product(diagonal, diagonal);
    if (!(pivot > 0 && pivot < Number.POSITIVE_INFINITY)) return false;
    const root = Math.sqrt(pivot);
    matrix[diagonal * size + diagonal] = root;
    for (let row = diagonal + 1; row < end; row++) {
      matrix[row * size + diagonal] = (matrix[row * size + diagonal]! - product(row, diagonal)) / root;
    }
  }
  return true;
}

/** -L⁻¹ of the lower triangle L that `values` begins with, [width, width], zeros above the diagonal. */
function negatedInverse(values: Float64Array, stride: number, width: number): Float64Array {
  const inverse = new Float64Array(width * width);
  for (let row = 0; row < width; row++) {
    const pivot = values[row * stride + row]!;
    inverse[row * width + row] = -1 / pivot;
    for (let k = 0; k < row; k++) {
      const factor = values[row * stride + k]! / pivot;
      for (let column = 0; column <= k; column++) {
        inverse[row * width + column] =
          inverse[row * width + column]! - factor * inverse[k * width + column]!;
      }
    }
  }
  return inverse;
}

/** Multiplies a rectangle by L⁻ᵀ, given -L⁻¹. */
async function divideRows(
  { matrix, size, subtract }: Work,
  { rows, columns }: { readonly rows: Range; readonly columns: Range },
  negated: Float64Array,
): Promise<void> {
  const left = copyRectangle(matrix, size, { rows, columns });
  for (let row = rows[0]; row < rows[1]; row++)
    matrix.fill(0, row * size + columns[0], row * size + columns[1]);
  const depth = columns[1] - columns[0];
  await subtract({ target: matrix, stride: size, rows, columns, left, right: negated, depth });
}

/**
 * Overwrites a lower factor L ([size, size], only the lower triangle is read) with its transposed inverse Y = L⁻ᵀ: upper triangular, zeros below
 * the diagonal.
 *
 * It solves Y·Lᵀ = I column by column; a block of L is done with when its columns of Y are there.
 */
export async function invertTransposed(
  matrix: Float64Array,
  size: number,
  subtract: SubtractProduct = subtractProduct,
): Promise<void> {
  const work = { matrix, size, subtract };
  for (let row = 0; row < size; row++) matrix.fill(0, row * size + row + 1, (row + 1) * size);
  for (let block = 0; block < size; block += blockWidth) {
    const columns = [block, Math.min(size, block + blockWidth)] as const;
    const factor = copyRectangle(matrix, size, { rows: [block, size], columns });
    for (let row = block; row < size; row++) matrix.fill(0, row * size + block, row * size + columns[1]);
    const copy = { factor, block, width: columns[1] - block };
    // oxlint-disable-next-line eslint/no-await-in-loop -- the next block needs it
    await invertColumns(work, columns, copy);
    // oxlint-disable-next-line eslint/no-await-in-loop -- the next block needs it
    await subtractUpper(work, { columns, others: [columns[1], size] }, copy);
  }
}

/** Rows of L from `block` on, columns of one block, [size - block, width]. */
interface FactorCopy {
  readonly factor: Float64Array;
  readonly block: number;
  readonly width: number;
}

/** Finishes columns of Y that carry the effect of all before them. */
async function invertColumns(work: Work, columns: Range, copy: FactorCopy): Promise<void> {
  const { matrix, size } = work;
  const [start, end] = columns;
  if (end - start > panelWidth) {
    const middle = middleOf(columns);
    await invertColumns(work, [start, middle], copy);
    await subtractUpper(work, { columns: [start, middle], others: [middle, end] }, copy);
    await invertColumns(work, [middle, end], copy);
    return;
  }
  const { factor, block, width } = copy;
  const triangle = factor.subarray((start - block) * (width + 1));
  const negated = negatedInverse(triangle, width, end - start);
  await divideRows(work, { rows: [0, start], columns }, negated);
  for (let row = start; row < end; row++) {
    for (let column = row; column < end; column++) {
      matrix[row * size + column] = -negated[(column - start) * (end - start) + row - start]!;
    }
  }
}

/** Subtracts the effect of finished `columns` of Y from the `others` after them. */
async function subtractUpper(
  { matrix, size, subtract }: Work,
  { columns, others }: { readonly columns: Range; readonly others: Range },
  { factor, block, width }: FactorCopy,
): Promise<void> {
  const [start, end] = columns;
  const isBlock = end - start === width;
  const rowsOfFactor = [others[0] - block, others[1] - block] as const;
  await subtract({
    target: matrix,
    stride: size,
    rows: [0, end],
    columns: others,
    left: copyRectangle(matrix, size, { rows: [0, end], columns }),
    right: isBlock
      ? factor.subarray(rowsOfFactor[0] * width, rowsOfFactor[1] * width)
      : copyRectangle(factor, width, { rows: rowsOfFactor, columns: [start - block, end - block] }),
    depth: end - start,
  });
}
