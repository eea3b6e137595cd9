/**
 * @file Shapes with symbolic dimensions.
 *
 * A dimension is a number, a symbol ("tokens"), or a product of both in canonical form ("2*batch*tokens": coefficient first, then
 * symbols in alphabetical order), so equal sizes have equal names.
 */
import { BitmendError } from "../util/errors.ts";

/** The size of one axis: known, or named and known only when the graph runs. */
export type Dim = number | string;

export type Shape = readonly Dim[];

/** Formats a shape for messages. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

/** The number of elements, or the size of several axes taken as one. */
export function product(shape: Shape): Dim {
  let coefficient = 1;
  const symbols: string[] = [];
  for (const dimension of shape) {
    for (const factor of factors(dimension)) {
      if (typeof factor === "number") coefficient *= factor;
      else symbols.push(factor);
    }
  }
  if (symbols.length === 0 || coefficient === 0) return coefficient;
  return [...(coefficient === 1 ? [] : [coefficient]), ...symbols.toSorted()].join("*");
}

/** The factors of a dimension: at most one number, and symbols. */
export function factors(dimension: Dim): readonly Dim[] {
  if (typeof dimension === "number") return [dimension];
  return dimension.split("*").map((factor) => (/^\d+$/.test(factor) ? Number(factor) : factor));
}

/** Replaces a negative axis, which counts from the end. */
export function normalizeAxis(axis: number, shape: Shape, operation: string): number {
  const normalized = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= shape.length) {
    throw shapeError(operation, `an axis of ${formatShape(shape)}`, String(axis));
  }
  return normalized;
}

/** The shape of an elementwise result, by NumPy's rules; a symbol matches itself and 1. */
export function broadcastShapes(a: Shape, b: Shape, operation: string): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[a.length - rank + axis] ?? 1;
    const right = b[b.length - rank + axis] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw shapeError(operation, "shapes that broadcast", `${formatShape(a)} and ${formatShape(b)}`);
  });
}

/** The known size of an axis. */
export function knownDimension(dimension: Dim | undefined, operation: string): number {
  if (typeof dimension === "number") return dimension;
  throw shapeError(operation, "a known dimension", String(dimension));
}

/** The error of every operation whose operands do not fit. */
export function shapeError(operation: string, expected: string, got: string): BitmendError {
  return new BitmendError("graph/shape", `${operation}(): expected ${expected}, got ${got}.`);
}
