import { expect, test } from "vitest";
import { EngineWorker } from "../../src/engine/index.ts";
import { engineProducts } from "../../src/quantization/engine-products.ts";
import { factorHessian } from "../../src/quantization/hessian-factor.ts";
import { randomStream } from "../../src/util/random.ts";

/** More than a block of columns, and no multiple of a panel. */
const size = 1300;
const dampingFraction = 0.01;

/** Correlated inputs: the sums of neighbours in noise, [size, size]. */
function gramMatrix(): Float32Array {
  const random = randomStream(1, "gram");
  const values = new Float32Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      const value = 100 / (1 + row - column) + random.next();
      values[row * size + column] = value;
      values[column * size + row] = value;
    }
  }
  return values;
}

test("H·Uᵀ·U·v is v with the engine's products, in the same bits for 1 and 3 threads", async () => {
  const gram = { rows: size, columns: size, values: gramMatrix() };
  const factors: Float64Array[] = [];
  for (const threads of [1, 3]) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- one engine after the other
    await using worker = await EngineWorker.start({ threads, spinning: false });
    // oxlint-disable-next-line eslint/no-await-in-loop -- as above
    const subtract = await engineProducts(worker);
    const settings = { dampingFraction, columnOrder: "natural" } as const;
    // oxlint-disable-next-line eslint/no-await-in-loop -- as above
    const factor = await factorHessian(gram, settings, subtract);
    expect(factor.dampingFraction).toBe(dampingFraction);
    factors.push(factor.inverseFactor);
  }
  const [factor] = factors;
  expect(Buffer.from(factors[1]!.buffer).equals(Buffer.from(factor!.buffer))).toBe(true);

  const random = randomStream(2, "vector");
  const vector = Float64Array.from({ length: size }, () => random.normal());
  const product = (entry: (row: number, column: number) => number, of: Float64Array): Float64Array =>
    Float64Array.from({ length: size }, (_, row) =>
      of.reduce((sum, value, column) => sum + entry(row, column) * value, 0),
    );
  const byFactor = product((row, column) => factor![row * size + column]!, vector);
  const byInverse = product((row, column) => factor![column * size + row]!, byFactor);
  const mean = gram.values.reduce((sum, value, at) => sum + (at % (size + 1) === 0 ? value : 0), 0) / size;
  const hessian = (row: number, column: number): number =>
    gram.values[row * size + column]! + (row === column ? dampingFraction * mean : 0);
  // float64 over a condition number of some 1e3
  expect(product(hessian, byInverse)).toBeAllClose(vector, { absolute: 1e-9 });
});
