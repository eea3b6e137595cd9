/** @file Picking elements by index. */
import { formatShape, product, sameShape, shapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { expand, reshape } from "./elementwise.ts";
import { zerosLike } from "./layout.ts";
import { single } from "./single-output.ts";

/** Rows of `table` ([rows, ...]) by number: `indices` (i64, any shape) to [...indices, ...]. An index may occur many times. */
export function gather(table: Tensor, indices: Tensor): Tensor {
  const [, ...rowShape] = table.shape;
  if (table.shape.length === 0) throw shapeError("gather", "a table with axes", "a scalar");
  const shape = [...indices.shape, ...rowShape];
  return table.graph.emitOne(
    "Gather",
    [table, indices],
    { dataType: table.dataType, shape },
    {
      attributes: { axis: { integer: 0 } },
      backward: single((gradient) => {
        const flat = [product(indices.shape), product(rowShape)] as const;
        const rows = expand(reshape(indices, [flat[0], 1]), flat);
        // Not ScatterND: ONNX Runtime 1.30 adds equal indices from several threads without a lock and loses sums.
        const sum = scatterAdd(reshape(zerosLike(table), [table.shape[0]!, flat[1]]), {
          axis: 0,
          indices: rows,
          updates: reshape(gradient, flat),
        });
        return [reshape(sum, table.shape), null];
      }),
    },
  );
}

/** Elements of the last axis by number: `x` [..., n] and `indices` (i64) [..., k] to [..., k]. */
export function gatherElements(x: Tensor, indices: Tensor): Tensor {
  const axis = x.shape.length - 1;
  if (
    axis < 0 ||
    !sameShape(x.shape.slice(0, -1), indices.shape.slice(0, -1)) ||
    indices.shape.length !== axis + 1
  ) {
    throw shapeError(
      "gatherElements",
      "shapes equal but for the last axis",
      `${formatShape(x.shape)} and ${formatShape(indices.shape)}`,
    );
  }
  return x.graph.emitOne(
    "GatherElements",
    [x, indices],
    { dataType: x.dataType, shape: indices.shape },
    {
      attributes: { axis: { integer: axis } },
      backward: single((gradient) => [scatterAdd(zerosLike(x), { axis, indices, updates: gradient }), null]),
    },
  );
}

/** Where `scatterAdd()` adds what. */
export interface ScatterOptions {
  readonly axis: number;
  /** i64, the shape of `updates`. */
  readonly indices: Tensor;
  readonly updates: Tensor;
}

/** A copy of `x` with `updates` added at `indices` along one axis; no gradient flows through it. */
export function scatterAdd(x: Tensor, { axis, indices, updates }: ScatterOptions): Tensor {
  const attributes = { axis: { integer: axis }, reduction: { string: "add" } };
  return x.graph.emitOne("ScatterElements", [x, indices, updates], x, { attributes });
}
