/** @file Softmax and its logarithm over the last axis. */
import type { Tensor } from "../tensor.ts";
import { multiply, reduceSum, subtract } from "./elementwise.ts";
import { exp } from "./functions.ts";
import { single } from "./single-output.ts";

const overLastAxis = { attributes: { axis: { integer: -1 } } };

export function softmax(x: Tensor): Tensor {
  const y: Tensor = x.graph.emitOne(
    "Softmax",
    [x],
    { dataType: x.dataType, shape: x.shape },
    {
      ...overLastAxis,
      backward: single((gradient) => {
        const mean = reduceSum(multiply(gradient, y), { axes: [-1], keepDims: true });
        return [multiply(y, subtract(gradient, mean))];
      }),
    },
  );
  return y;
}

export function logSoftmax(x: Tensor): Tensor {
  const y: Tensor = x.graph.emitOne(
    "LogSoftmax",
    [x],
    { dataType: x.dataType, shape: x.shape },
    {
      ...overLastAxis,
      backward: single((gradient) => {
        const sum = reduceSum(gradient, { axes: [-1], keepDims: true });
        return [subtract(gradient, multiply(exp(y), sum))];
      }),
    },
  );
  return y;
}
