import { expect, test } from "vitest";
import { EngineWorker } from "../engine/index.ts";
import { randomStream } from "../util/random.ts";
import { engineProducts } from "./engine-products.ts";
import { subtractProduct, type ProductUpdate } from "./subtract-product.ts";

/** An update of the rectangle [1, rows + 1) x [2, columns + 2) of a random matrix. */
function randomUpdate(rows: number, columns: number, depth: number): ProductUpdate {
  const random = randomStream(1, "update", rows, columns, depth);
  const normals = (length: number): Float64Array => Float64Array.from({ length }, () => random.normal());
  return {
    target: normals((rows + 2) * (columns + 3)),
    stride: columns + 3,
    rows: [1, rows + 1],
    columns: [2, columns + 2],
    left: normals(rows * depth),
    right: normals(columns * depth),
    depth,
  };
}

test("worked example: [[10, 20], [30, 40]] - [1, 2]ᵀ·[3, 4]", () => {
  const target = Float64Array.of(10, 20, 30, 40);
  const operands = { left: Float64Array.of(1, 2), right: Float64Array.of(3, 4), depth: 1 };
  subtractProduct({ target, stride: 2, rows: [0, 2], columns: [0, 2], ...operands });
  expect([...target]).toEqual([10 - 3, 20 - 4, 30 - 6, 40 - 8]);
});

test.each([
  [1, 1, 1],
  [2, 4, 3],
  [3, 5, 7],
  [5, 9, 2],
  [4, 3, 1],
])("tiles and edges: %i x %i, depth %i, and nothing outside the rectangle", (rows, columns, depth) => {
  const update = randomUpdate(rows, columns, depth);
  const expected = update.target.map((value, at) => {
    const [row, column] = [Math.floor(at / update.stride) - 1, (at % update.stride) - 2];
    if (row < 0 || row >= rows || column < 0 || column >= columns) return value;
    let current = value;
    for (let k = 0; k < depth; k++)
      current -= update.left[row * depth + k]! * update.right[column * depth + k]!;
    return current;
  });
  subtractProduct(update);
  expect(update.target).toEqual(expected);
});

test("the engine's product is the same but for rounding, in one part or several", async () => {
  await using worker = await EngineWorker.start({ threads: 1, spinning: false });
  const subtract = await engineProducts(worker, { largestProduct: 20_000 });
  const update = randomUpdate(150, 300, 128);
  const other = { ...update, target: update.target.slice() };
  await subtract(update);
  subtractProduct(other);
  expect(update.target).toBeAllClose(other.target, { relative: 1e-12, absolute: 1e-12 }); // 128 float64 terms
});
