/** One step of a blocked algorithm: target[rows, columns] -= left · rightᵀ, all float64 and row-major. */
export interface ProductUpdate {
  /** A matrix with `stride` columns, of which a rectangle is updated. */
  readonly target: Float64Array;
  readonly stride: number;
  /** Half-open ranges. */
  readonly rows: readonly [start: number, end: number];
  readonly columns: readonly [start: number, end: number];
  /** [rows, depth]. */
  readonly left: Float64Array;
  /** [columns, depth]. */
  readonly right: Float64Array;
  readonly depth: number;
}

/** Carries out an update, here or elsewhere. */
export type SubtractProduct = (update: ProductUpdate) => void | Promise<void>;

/**
 * The update in TypeScript, in tiles of 2 x 4 registers.
 *
 * Products are subtracted one after the other, in the order of the depth: cutting the depth into several updates changes no bit.
 */
export function subtractProduct(update: ProductUpdate): void {
  const { rows, columns } = update;
  const [rowCount, columnCount] = [rows[1] - rows[0], columns[1] - columns[0]];
  const [evenRows, wholeTiles] = [rowCount - (rowCount % 2), columnCount - (columnCount % 4)];
  for (let row = 0; row < evenRows; row += 2) subtractRowPair(update, row, wholeTiles);
  for (let row = 0; row < rowCount; row++) {
    for (let column = row < evenRows ? wholeTiles : 0; column < columnCount; column++) {
      subtractEntry(update, row, column);
    }
  }
}

/** Two rows of the update, in tiles of four columns. */
function subtractRowPair(
  { target, stride, rows, columns, left, right, depth }: ProductUpdate,
  row: number,
  wholeTiles: number,
): void {
  const upperLeft = row * depth;
  const lowerLeft = upperLeft + depth;
  for (let column = 0; column < wholeTiles; column += 4) {
    const right0 = column * depth;
    const right1 = right0 + depth;
    const right2 = right1 + depth;
    const right3 = right2 + depth;
    const upper = (rows[0] + row) * stride + columns[0] + column;
    const lower = upper + stride;
    let upper0 = target[upper]!;
    let upper1 = target[upper + 1]!;
    let upper2 = target[upper + 2]!;
    let upper3 = target[upper + 3]!;
    let lower0 = target[lower]!;
    let lower1 = target[lower + 1]!;
    let lower2 = target[lower + 2]!;
    let lower3 = target[lower + 3]!;
    for (let k = 0; k < depth; k++) {
      const fromUpper = left[upperLeft + k]!;
      const fromLower = left[lowerLeft + k]!;
      const factor0 = right[right0 + k]!;
      upper0 -= fromUpper * factor0;
      lower0 -= fromLower * factor0;
      const factor1 = right[right1 + k]!;
      upper1 -= fromUpper * factor1;
      lower1 -= fromLower * factor1;
      const factor2 = right[right2 + k]!;
      upper2 -= fromUpper * factor2;
      lower2 -= fromLower * factor2;
      const factor3 = right[right3 + k]!;
      upper3 -= fromUpper * factor3;
      lower3 -= fromLower * factor3;
    }
    target[upper] = upper0;
    target[upper + 1] = upper1;
    target[upper + 2] = upper2;
    target[upper + 3] = upper3;
    target[lower] = lower0;
    target[lower + 1] = lower1;
    target[lower + 2] = lower2;
    target[lower + 3] = lower3;
  }
}

/** One entry, where no tile fits. */
function subtractEntry(
  { target, stride, rows, columns, left, right, depth }: ProductUpdate,
  row: number,
  column: number,
): void {
  const index = (rows[0] + row) * stride + columns[0] + column;
  let current = target[index]!;
  for (let k = 0; k < depth; k++) current -= left[row * depth + k]! * right[column * depth + k]!;
  target[index] = current;
}

/** A copy of the rectangle of a matrix with `stride` columns, in shared memory where it is large. */
export function copyRectangle(
  matrix: Float64Array,
  stride: number,
  { rows, columns }: Pick<ProductUpdate, "rows" | "columns">,
): Float64Array {
  const width = columns[1] - columns[0];
  const copy = newFloat64((rows[1] - rows[0]) * width);
  for (let row = rows[0]; row < rows[1]; row++) {
    const start = row * stride + columns[0];
    const copyStart = (row - rows[0]) * width;
    if (width > narrow) copy.set(matrix.subarray(start, start + width), copyStart);
    else for (let offset = 0; offset < width; offset++) copy[copyStart + offset] = matrix[start + offset]!;
  }
  return copy;
}

/** Up to this width a loop copies a row in less time than a view of it takes to make. */
const narrow = 64;
/** From so many elements on another thread is likely to read them. */
const worthSharing = 2 ** 20;

function newFloat64(length: number): Float64Array {
  const isShared = length >= worthSharing;
  return isShared
    ? new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT))
    : new Float64Array(length);
}

/** Elements on a side of the squares that are transposed together, so that both lie in a core's first cache. */
const tileWidth = 32;

/** The transpose of the rectangle of a matrix with `stride` columns, [columns, rows]. */
export function transposedRectangle(
  matrix: Float64Array,
  stride: number,
  { rows, columns }: Pick<ProductUpdate, "rows" | "columns">,
): Float64Array {
  const height = rows[1] - rows[0];
  const transposed = new Float64Array(height * (columns[1] - columns[0]));
  for (let tileRow = rows[0]; tileRow < rows[1]; tileRow += tileWidth) {
    const rowEnd = Math.min(rows[1], tileRow + tileWidth);
    for (let column = columns[0]; column < columns[1]; column++) {
      const start = (column - columns[0]) * height - rows[0];
      for (let row = tileRow; row < rowEnd; row++) transposed[start + row] = matrix[row * stride + column]!;
    }
  }
  return transposed;
}
