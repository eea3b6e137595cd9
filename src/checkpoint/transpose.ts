/** Edge of the square blocks: 32 rows of 32-bit words touch 32 cache lines on either side. */
const BLOCK = 32;

/** Fills `result` ([columns, rows]) with the transpose of `values` ([rows, columns]) and returns it. */
export function transpose<Values extends Uint8Array | Uint16Array | Int32Array | Float32Array>(
  values: Values,
  result: Values,
  { rows, columns }: { rows: number; columns: number },
): Values {
  for (let rowStart = 0; rowStart < rows; rowStart += BLOCK) {
    const rowEnd = Math.min(rowStart + BLOCK, rows);
    for (let columnStart = 0; columnStart < columns; columnStart += BLOCK) {
      const columnEnd = Math.min(columnStart + BLOCK, columns);
      for (let row = rowStart; row < rowEnd; row++) {
        for (let column = columnStart; column < columnEnd; column++) {
          result[column * rows + row] = values[row * columns + column]!;
        }
      }
    }
  }
  return result;
}
