import type { EngineTensor } from "../engine/index.ts";
import { Graph } from "../graph/graph.ts";
import { gemm } from "../graph/operations.ts";
import { subtractProduct, type ProductUpdate, type SubtractProduct } from "./subtract-product.ts";

/** Below this many multiplications the way to the engine and back costs more than TypeScript needs. */
const fewestMultiplications = 2 ** 22;

/** What runs a model: an engine worker, or the engine in this thread. */
interface Engine {
  readonly load: (model: Uint8Array) => Promise<Session>;
}

interface Session {
  readonly run: (
    feeds: Readonly<Record<string, EngineTensor>>,
    fetches: Readonly<Record<string, EngineTensor>>,
  ) => Promise<unknown>;
}

/**
 * Updates by the engine's float64 matrix product where they are large enough, in TypeScript where not.
 *
 * The shape alone decides, so equal inputs give equal results.
 */
export async function engineProducts(
  engine: Engine,
  /** Elements of a product held at once. */
  { largestProduct = 2 ** 22 } = {},
): Promise<SubtractProduct> {
  const graph = new Graph({ floatType: "f64" });
  const left = graph.input("left", "f64", ["rows", "depth"]);
  const right = graph.input("right", "f64", ["columns", "depth"]);
  const session = await engine.load(graph.build({ product: gemm(left, right, { transposeB: true }) }));
  // Fresh memory for each product would cost about as much as the product.
  const memory = { left: new ReusedFloat64(), right: new ReusedFloat64(), product: new ReusedFloat64() };
  return async (update) => {
    const { rows, columns, depth } = update;
    const columnCount = columns[1] - columns[0];
    if ((rows[1] - rows[0]) * columnCount * depth < fewestMultiplications) {
      subtractProduct(update);
      return;
    }
    const shared = { right: memory.right.holding([columnCount, depth], update.right) };
    const rowsAtOnce = Math.max(1, Math.floor(largestProduct / columnCount));
    for (let first = 0; first < rows[1] - rows[0]; first += rowsAtOnce) {
      const rowCount = Math.min(rowsAtOnce, rows[1] - rows[0] - first);
      const part = update.left.subarray(first * depth, (first + rowCount) * depth);
      const feeds = { ...shared, left: memory.left.holding([rowCount, depth], part) };
      const product = memory.product.tensor([rowCount, columnCount]);
      // oxlint-disable-next-line eslint/no-await-in-loop -- bounds memory
      await session.run(feeds, { product });
      subtractPart(product.data, { ...update, rows: [rows[0] + first, rows[0] + first + rowCount] });
    }
  };
}

function subtractPart(
  product: Float64Array,
  { target, stride, rows, columns }: Pick<ProductUpdate, "target" | "stride" | "rows" | "columns">,
): void {
  const columnCount = columns[1] - columns[0];
  for (let row = rows[0]; row < rows[1]; row++) {
    const targetStart = row * stride + columns[0];
    const productStart = (row - rows[0]) * columnCount;
    for (let column = 0; column < columnCount; column++) {
      target[targetStart + column] = target[targetStart + column]! - product[productStart + column]!;
    }
  }
}

interface SharedFloat64 extends EngineTensor {
  readonly data: Float64Array;
}

/** Shared memory that grows to the largest tensor asked for. */
class ReusedFloat64 {
  #memory = new Float64Array(new SharedArrayBuffer(0));

  /** What it holds is what was there before. */
  tensor(shape: readonly [number, number]): SharedFloat64 {
    const length = shape[0] * shape[1];
    if (this.#memory.length < length) {
      this.#memory = new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
    }
    return { dataType: "f64", shape, data: this.#memory.subarray(0, length) };
  }

  /** A copy of `values`, or they themselves where they are shared already. */
  holding(shape: readonly [number, number], values: Float64Array): SharedFloat64 {
    if (values.buffer instanceof SharedArrayBuffer) return { dataType: "f64", shape, data: values };
    const tensor = this.tensor(shape);
    tensor.data.set(values);
    return tensor;
  }
}
