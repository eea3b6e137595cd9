/** @file Means and extremes along axes. */
import { product, type Dim } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import {
  axesOf,
  compare,
  divide,
  expand,
  keptShape,
  multiply,
  negate,
  reduce,
  reduceSum,
  reshape,
  type ReduceOptions,
} from "./elementwise.ts";
import { cast } from "./functions.ts";
import { single } from "./single-output.ts";

export function reduceMean(x: Tensor, options: ReduceOptions = {}): Tensor {
  const kept = keptShape(x, options);
  const count = product(axesOf(x, options).map((axis) => x.shape[axis]!));
  return reduce("ReduceMean", x, {
    ...options,
    backward: single((gradient) => {
      const share = divide(reshape(gradient, kept), elementCount(x, count));
      return [expand(share, x.shape)];
    }),
  });
}

/** Largest element; equal largest elements share the gradient. */
export function reduceMax(x: Tensor, options: ReduceOptions = {}): Tensor {
  const kept = keptShape(x, options);
  const axes = axesOf(x, options);
  const y: Tensor = reduce("ReduceMax", x, {
    ...options,
    backward: single((gradient) => {
      const isLargest = cast(compare(x, "Equal", reshape(y, kept)), x.dataType);
      const ties = reduceSum(isLargest, { axes, keepDims: true });
      return [multiply(isLargest, divide(reshape(gradient, kept), ties))];
    }),
  });
  return y;
}

/** Smallest element; equal smallest elements share the gradient. */
export function reduceMin(x: Tensor, options: ReduceOptions = {}): Tensor {
  return negate(reduceMax(negate(x), options));
}

/** A dimension as a scalar of `like`'s type. */
function elementCount(like: Tensor, count: Dim): Tensor {
  if (typeof count === "number") return like.graph.scalar(count, like.dataType);
  return cast(reshape(like.graph.dimension(count), []), like.dataType);
}
