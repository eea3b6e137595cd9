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
  return async (update) => {
    const { rows, columns, depth } = update;
    const columnCount = columns[1] - columns[0];
    if ((rows[1] - rows[0]) * columnCount * depth < fewestMultiplications) {
      subtractProduct(update);
      return;
    }
    const shared = { right: sharedCopy([columnCount, depth], update.right) };
    const rowsAtOnce = Math.max(1, Math.floor(largestProduct / columnCount));
    for (let first = 0; first < rows[1] - rows[0]; first += rowsAtOnce) {
      const rowCount = Math.min(rowsAtOnce, rows[1] - rows[0] - first);
      const part = update.left.subarray(first * depth, (first + rowCount) * depth);
      const feeds = { ...shared, left: sharedCopy([rowCount, depth], part) };
      // oxlint-disable-next-line eslint/no-await-in-loop -- bounds memory
      await subtractPart(session, feeds, { ...update, rows: [rows[0] + first, rows[0] + first + rowCount] });
    }
  };
}

async function subtractPart(
  session: Session,
  feeds: Record<string, EngineTensor>,
  { target, stride, rows, columns }: ProductUpdate,
): Promise<void> {
  const columnCount = columns[1] - columns[0];
  const rowCount = rows[1] - rows[0];
  const product = sharedFloat64([rowCount, columnCount]);
  await session.run(feeds, { product });
  for (let row = rows[0]; row < rows[1]; row++) {
    const targetStart = row * stride + columns[0];
    const productStart = (row - rows[0]) * columnCount;
    for (let column = 0; column < columnCount; column++) {
      target[targetStart + column] = target[targetStart + column]! - product.data[productStart + column]!;
    }
  }
}

interface SharedFloat64 extends EngineTensor {
  readonly data: Float64Array;
}

function sharedFloat64(shape: readonly [number, number]): SharedFloat64 {
  const bytes = shape[0] * shape[1] * Float64Array.BYTES_PER_ELEMENT;
  return { dataType: "f64", shape, data: new Float64Array(new SharedArrayBuffer(bytes)) };
}

function sharedCopy(shape: readonly [number, number], values: Float64Array): SharedFloat64 {
  const copy = sharedFloat64(shape);
  copy.data.set(values);
  return copy;
}
