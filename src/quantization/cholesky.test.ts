import { describe, expect, test } from "vitest";
import { randomStream } from "../util/random.ts";
import { factorCholesky, invertTransposed } from "./cholesky.ts";

/** A random symmetric positive definite matrix, [size, size]. */
function positiveDefinite(size: number): Float64Array {
  const random = randomStream(size, "cholesky");
  const matrix = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < row; column++) {
      const value = random.next() - 0.5;
      matrix[row * size + column] = value;
      matrix[column * size + row] = value;
    }
    matrix[row * size + row] = size / 2 + 1;
  }
  return matrix;
}

describe("factorCholesky", () => {
  test("worked example", async () => {
    const matrix = Float64Array.of(4, Number.NaN, 2, 5); // only the lower triangle is read
    expect(await factorCholesky(matrix, 2)).toBe(true);
    expect([matrix[0], matrix[2], matrix[3]]).toEqual([2, 1, 2]);
  });

  test("says when a matrix is not positive definite", async () => {
    expect(await factorCholesky(Float64Array.of(1, 2, 2, 1), 2)).toBe(false);
    expect(await factorCholesky(Float64Array.of(1, 1, 1, 1), 2)).toBe(false);
    expect(await factorCholesky(Float64Array.of(Number.NaN), 1)).toBe(false);
  });

  test.each([1, 2, 5, 63, 64, 65, 131, 256, 330])(
    "size %i: L·Lᵀ is the matrix and Y·Lᵀ is the identity",
    async (size) => {
      const matrix = positiveDefinite(size);
      const factor = matrix.slice();
      expect(await factorCholesky(factor, size)).toBe(true);
      const inverse = factor.slice();
      await invertTransposed(inverse, size);
      let worst = 0;
      for (let row = 0; row < size; row++) {
        for (let column = 0; column < size; column++) {
          let product = 0;
          let identity = row === column ? -1 : 0;
          for (let k = 0; k <= Math.min(row, column); k++) {
            product += factor[row * size + k]! * factor[column * size + k]!;
          }
          for (let k = row; k <= column; k++)
            identity += inverse[row * size + k]! * factor[column * size + k]!;
          worst = Math.max(worst, Math.abs(product - matrix[row * size + column]!), Math.abs(identity));
          if (column < row) worst = Math.max(worst, Math.abs(inverse[row * size + column]!));
        }
      }
      expect(worst).toBeLessThan(1e-12); // float64, up to 330 terms of size up to 165
    },
  );
});
