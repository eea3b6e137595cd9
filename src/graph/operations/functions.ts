/** @file Functions of one variable, element by element. */
import type { DataType } from "../../onnx/index.ts";
import { onnxDataTypes } from "../../onnx/index.ts";
import type { Tensor } from "../tensor.ts";
import { add, compare, divide, maximum, multiply, negate, subtract, unary, where } from "./elementwise.ts";
import { single } from "./single-output.ts";

export function exp(x: Tensor): Tensor {
  const y: Tensor = unary("Exp", x, (gradient) => multiply(gradient, y));
  return y;
}

/** Natural logarithm. */
export function log(x: Tensor): Tensor {
  return unary("Log", x, (gradient) => divide(gradient, x));
}

export function sqrt(x: Tensor): Tensor {
  const y: Tensor = unary("Sqrt", x, (gradient) => divide(multiply(gradient, 0.5), y));
  return y;
}

export function reciprocal(x: Tensor): Tensor {
  const y: Tensor = unary("Reciprocal", x, (gradient) => negate(multiply(gradient, multiply(y, y))));
  return y;
}

export function abs(x: Tensor): Tensor {
  return unary("Abs", x, (gradient) => multiply(gradient, unary("Sign", x)));
}

export function sigmoid(x: Tensor): Tensor {
  const y: Tensor = unary("Sigmoid", x, (gradient) => multiply(gradient, multiply(y, subtract(1, y))));
  return y;
}

/** x · sigmoid(x) (https://arxiv.org/abs/1702.03118). */
export function silu(x: Tensor): Tensor {
  const [y] = x.graph.block({
    inputs: [x],
    compute: () => {
      const domain = "com.microsoft";
      const attributes = { alpha: { float: 1 } };
      if (x.graph.profile.fusedSilu && x.dataType === "f32") {
        return [x.graph.emitOne("QuickGelu", [x], x, { domain, attributes })];
      }
      // Not x · sigmoid(x): ONNX Runtime would fuse it to QuickGelu, also where that has no kernel.
      return [divide(x, add(exp(negate(x)), 1))];
    },
    backward: ([gradient]) => [multiply(gradient!, siluSlope(x, y!))],
  });
  return y!;
}

/** The derivative of SiLU at `x`, where its value is `y`: y + sigmoid(x) · (1 - y). */
export function siluSlope(x: Tensor, y: Tensor): Tensor {
  return add(y, multiply(sigmoid(x), subtract(1, y)));
}

/** log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), which does not overflow. */
export function softplus(x: Tensor): Tensor {
  const [y] = x.graph.block({
    inputs: [x],
    compute: () => {
      if (x.dataType === "f32") return [unary("Softplus", x)];
      return [add(maximum(x, 0), log(add(exp(negate(abs(x))), 1)))];
    },
    backward: ([gradient]) => [multiply(gradient!, sigmoid(x))],
  });
  return y!;
}

/** Rounds half to even; the gradient passes as if nothing had been rounded (https://arxiv.org/abs/1308.3432). */
export function roundStraightThrough(x: Tensor): Tensor {
  return unary("Round", x, (gradient) => gradient);
}

/** Bounds of `clip()`, and what the gradient does outside them. */
export interface ClipOptions {
  readonly low: number;
  readonly high: number;
  /** "mask": no gradient where the value was clipped; "pass": the gradient passes everywhere. Default: "mask". */
  readonly gradient?: "mask" | "pass";
}

/** Bounds every element. */
export function clip(x: Tensor, { low, high, gradient: mode = "mask" }: ClipOptions): Tensor {
  const bounds = [x.graph.scalar(low, x.dataType), x.graph.scalar(high, x.dataType)];
  const y: Tensor = x.graph.emitOne(
    "Clip",
    [x, ...bounds],
    { dataType: x.dataType, shape: x.shape },
    {
      backward: single((gradient) => [
        mode === "pass" ? gradient : where(compare(x, "Equal", y), gradient, 0),
      ]),
    },
  );
  return y;
}

/** Converts the element type; the gradient is converted back. */
export function cast(x: Tensor, dataType: DataType): Tensor {
  if (x.dataType === dataType) return x;
  return x.graph.emitOne(
    "Cast",
    [x],
    { dataType, shape: x.shape },
    {
      attributes: { to: { integer: onnxDataTypes[dataType] } },
      backward: single((gradient) => [cast(gradient, x.dataType)]),
    },
  );
}

/** The same values; no gradient flows back. */
export function stopGradient(x: Tensor): Tensor {
  return unary("Identity", x);
}
