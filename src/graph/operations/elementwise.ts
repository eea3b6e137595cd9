/**
 * @file Arithmetic element by element with NumPy's broadcasting, and what its gradients are made of: sums, repetition, reshaping.
 *
 * They stand in one file because each one's gradient is made of the others.
 */
import { BitmendError } from "../../util/errors.ts";
import {
  broadcastShapes,
  formatShape,
  normalizeAxis,
  product,
  sameShape,
  shapeError,
  type Dim,
  type Shape,
} from "../shape.ts";
import type { Backward, Tensor } from "../tensor.ts";
import { single } from "./single-output.ts";

/** A tensor, or a number that becomes a scalar of the other operand's type. */
export type Operand = Tensor | number;

export function add(a: Tensor, b: Operand): Tensor {
  const right = toTensor(b, a);
  return binary("Add", [a, right], (gradient) => [sumTo(gradient, a), sumTo(gradient, right)]);
}

export function subtract(a: Operand, b: Operand): Tensor {
  const [left, right] = operands(a, b, "subtract");
  return binary("Sub", [left, right], (gradient) => [sumTo(gradient, left), sumTo(negate(gradient), right)]);
}

export function multiply(a: Tensor, b: Operand): Tensor {
  const right = toTensor(b, a);
  return binary("Mul", [a, right], (gradient) => [
    sumTo(multiply(gradient, right), a),
    sumTo(multiply(gradient, a), right),
  ]);
}

export function divide(a: Operand, b: Operand): Tensor {
  const [left, right] = operands(a, b, "divide");
  const quotient: Tensor = binary("Div", [left, right], (gradient) => {
    const leftGradient = divide(gradient, right);
    return [sumTo(leftGradient, left), sumTo(negate(multiply(leftGradient, quotient)), right)];
  });
  return quotient;
}

/** The smaller of each pair; at a tie the gradient goes to `a`. */
export function minimum(a: Tensor, b: Operand): Tensor {
  return select("Min", [a, toTensor(b, a)], "LessOrEqual");
}

/** The larger of each pair; at a tie the gradient goes to `a`. */
export function maximum(a: Tensor, b: Operand): Tensor {
  return select("Max", [a, toTensor(b, a)], "GreaterOrEqual");
}

/** `condition ? a : b`, element by element; `condition` is of type bool. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const [left, right] = operands(a, b, "where");
  requireSameType([left, right], "where");
  const shape = broadcastShapes(condition.shape, broadcastShapes(left.shape, right.shape, "where"), "where");
  const backward = single((gradient) => [
    null,
    sumTo(where(condition, gradient, 0), left),
    sumTo(where(condition, 0, gradient), right),
  ]);
  const type = { dataType: left.dataType, shape };
  return condition.graph.emitOne("Where", [condition, left, right], type, { backward });
}

/** Comparisons of tensors of one type, as bool tensors. */
export function compare(
  a: Tensor,
  operator: "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual",
  b: Operand,
): Tensor {
  const right = toTensor(b, a);
  requireSameType([a, right], operator);
  const shape = broadcastShapes(a.shape, right.shape, operator);
  return a.graph.emitOne(operator, [a, right], { dataType: "bool", shape });
}

export function negate(x: Tensor): Tensor {
  return unary("Neg", x, (gradient) => negate(gradient));
}

/** Sums a gradient over the axes along which `target` was broadcast. */
function sumTo(gradient: Tensor, target: Tensor): Tensor {
  const { shape } = target;
  if (sameShape(gradient.shape, shape)) return gradient;
  const added = gradient.shape.length - shape.length;
  const axes = [...gradient.shape.keys()].filter(
    (axis) => axis < added || (shape[axis - added] === 1 && gradient.shape[axis] !== 1),
  );
  return reshape(axes.length === 0 ? gradient : reduceSum(gradient, { axes, keepDims: true }), shape);
}

/** One operator from one tensor to one of the same type and shape. */
export function unary(operator: string, x: Tensor, backward?: (gradient: Tensor) => Tensor): Tensor {
  const rule = backward === undefined ? {} : { backward: single((gradient) => [backward(gradient)]) };
  return x.graph.emitOne(operator, [x], { dataType: x.dataType, shape: x.shape }, rule);
}

/** Numbers become scalars of `other`'s graph and type. */
function toTensor(operand: Operand, other: Tensor): Tensor {
  return typeof operand === "number" ? other.graph.scalar(operand, other.dataType) : operand;
}

/** Refuses operands of different element types. */
export function requireSameType(tensors: readonly Tensor[], operation: string): void {
  const types = tensors.map((tensor) => tensor.dataType);
  if (new Set(types).size > 1) {
    throw new BitmendError(
      "graph/data-type",
      `${operation}(): expected operands of one type, got ${types.join(", ")}.`,
    );
  }
}

/** The same elements in another shape. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (product(x.shape) !== product(shape)) {
    throw shapeError("reshape", `a shape of ${product(x.shape)} elements`, formatShape(shape));
  }
  const type = { dataType: x.dataType, shape };
  const backward = single((gradient) => [reshape(gradient, x.shape)]);
  return x.graph.emitOne("Reshape", [x, reshapeTarget(x, shape)], type, { backward });
}

/** Repeats along axes of size 1, and adds leading axes. */
export function expand(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes(x.shape, shape, "expand"), shape)) {
    throw shapeError("expand", `a shape that ${formatShape(x.shape)} broadcasts to`, formatShape(shape));
  }
  const backward = single((gradient) => [sumTo(gradient, x)]);
  return x.graph.emitOne(
    "Expand",
    [x, x.graph.shapeTensor(shape)],
    { dataType: x.dataType, shape },
    { backward },
  );
}

/** Along which axes, and whether they stay with size 1. */
export interface ReduceOptions {
  /** Negative axes count from the end. Default: all. */
  readonly axes?: readonly number[];
  /** Default: false. */
  readonly keepDims?: boolean;
}

export function reduceSum(x: Tensor, options: ReduceOptions = {}): Tensor {
  const kept = keptShape(x, options);
  return reduce("ReduceSum", x, {
    ...options,
    backward: single((gradient) => [expand(reshape(gradient, kept), x.shape)]),
  });
}

/** One reduction operator; the gradient is its own. */
export function reduce(
  operator: string,
  x: Tensor,
  options: ReduceOptions & { readonly backward: Backward },
): Tensor {
  const axes = axesOf(x, options);
  const { keepDims = false, backward } = options;
  const shape = keepDims ? keptShape(x, options) : x.shape.filter((_, axis) => !axes.includes(axis));
  const axesTensor = x.graph.constant("i64", [axes.length], axes);
  const attributes = { keepdims: { integer: keepDims ? 1 : 0 } };
  return x.graph.emitOne(
    operator,
    [x, axesTensor],
    { dataType: x.dataType, shape },
    { attributes, backward },
  );
}

/** The axes to reduce, counted from the front. */
export function axesOf(x: Tensor, { axes }: ReduceOptions): number[] {
  return axes?.map((axis) => normalizeAxis(axis, x.shape, "reduce")) ?? [...x.shape.keys()];
}

/** The shape with reduced axes kept as 1. */
export function keptShape(x: Tensor, options: ReduceOptions): Dim[] {
  const axes = axesOf(x, options);
  return x.shape.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension));
}

function operands(a: Operand, b: Operand, operation: string): [Tensor, Tensor] {
  if (typeof a !== "number") return [a, toTensor(b, a)];
  if (typeof b !== "number") return [toTensor(a, b), b];
  throw new BitmendError("graph/data-type", `${operation}(): expected at least one tensor, got two numbers.`);
}

function binary(
  operator: string,
  [a, b]: readonly [Tensor, Tensor],
  backward: (gradient: Tensor) => readonly Tensor[],
): Tensor {
  requireSameType([a, b], operator);
  const shape = broadcastShapes(a.shape, b.shape, operator);
  return a.graph.emitOne(operator, [a, b], { dataType: a.dataType, shape }, { backward: single(backward) });
}

function select(
  operator: "Min" | "Max",
  [a, b]: readonly [Tensor, Tensor],
  prefersA: "LessOrEqual" | "GreaterOrEqual",
): Tensor {
  requireSameType([a, b], operator);
  const shape = broadcastShapes(a.shape, b.shape, operator);
  const backward: Backward = single((gradient) => {
    const fromA = compare(a, prefersA, b);
    return [sumTo(where(fromA, gradient, 0), a), sumTo(where(fromA, 0, gradient), b)];
  });
  return a.graph.emitOne(operator, [a, b], { dataType: a.dataType, shape }, { backward });
}

/** The second input of Reshape: 0 copies an axis in place, one -1 is inferred; anything else is computed when the graph runs. */
function reshapeTarget(x: Tensor, shape: Shape): Tensor {
  const target = shape.map((dimension, axis) =>
    typeof dimension === "number" ? dimension : dimension === x.shape[axis] ? 0 : -1,
  );
  const hasEmptyAxis = shape.includes(0);
  if (!hasEmptyAxis && target.filter((dimension) => dimension === -1).length <= 1) {
    return x.graph.constant("i64", [target.length], target);
  }
  return x.graph.shapeTensor(shape);
}
