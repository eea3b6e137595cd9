/** @file Operations that move elements and compute nothing. */
import { BitmendError } from "../../util/errors.ts";
import {
  formatShape,
  knownDimension,
  normalizeAxis,
  sameShape,
  shapeError,
  type Dim,
  type Shape,
} from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { expand, requireSameType } from "./elementwise.ts";
import { single } from "./single-output.ts";

/** Zeros, made when the graph runs. */
export function zerosLike(x: Tensor): Tensor {
  return expand(x.graph.scalar(0, x.dataType), x.shape);
}

/** Axis `i` of the result is axis `permutation[i]` of `x`. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  const expected = [...x.shape.keys()];
  if (
    !sameShape(
      permutation.toSorted((a, b) => a - b),
      expected,
    )
  ) {
    throw shapeError("transpose", `a permutation of ${formatShape(expected)}`, formatShape(permutation));
  }
  const inverse = expected.map((axis) => permutation.indexOf(axis));
  return x.graph.emitOne(
    "Transpose",
    [x],
    { dataType: x.dataType, shape: permutation.map((axis) => x.shape[axis]!) },
    {
      attributes: { perm: { integers: permutation } },
      backward: single((gradient) => [transpose(gradient, inverse)]),
    },
  );
}

/** Which part `slice()` keeps. */
export interface SliceOptions {
  readonly axis: number;
  /** First index; negative counts from the end. */
  readonly start: number;
  /** One past the last index; negative counts from the end. Default: the end of the axis. */
  readonly end?: number;
}

/** Consecutive elements along one axis. On a symbolic axis, `start` and `end` must fix the size: both from one end. */
export function slice(x: Tensor, { axis, start, end }: SliceOptions): Tensor {
  const normalized = normalizeAxis(axis, x.shape, "slice");
  const size = x.shape[normalized]!;
  const [first, last] = sliceBounds(size, start, end);
  const shape = x.shape.map((dimension, at) => (at === normalized ? last - first : dimension));
  const indices = [first, last === 0 ? Number.MAX_SAFE_INTEGER : last, normalized];
  const bounds = indices.map((index) => x.graph.constant("i64", [1], [index]));
  return x.graph.emitOne(
    "Slice",
    [x, ...bounds],
    { dataType: x.dataType, shape },
    {
      backward: single((gradient) => {
        const known = knownDimension(size, "slice (gradient)");
        const pads = [...x.shape, ...x.shape].map(() => 0);
        pads[normalized] = first;
        pads[x.shape.length + normalized] = known - last;
        const padding = x.graph.constant("i64", [pads.length], pads);
        return [x.graph.emitOne("Pad", [gradient, padding], { dataType: x.dataType, shape: x.shape })];
      }),
    },
  );
}

/** Joins tensors along one axis. `size` names the result's size on that axis when an operand's is symbolic. */
export function concat(
  tensors: readonly Tensor[],
  axis: number,
  { size }: { readonly size?: Dim } = {},
): Tensor {
  const [first] = tensors;
  if (first === undefined)
    throw new BitmendError("graph/shape", "concat(): expected at least one tensor, got none.");
  requireSameType(tensors, "concat");
  const normalized = normalizeAxis(axis, first.shape, "concat");
  const others = (shape: Shape): Shape => shape.with(normalized, 0);
  const odd = tensors.find(({ shape }) => !sameShape(others(shape), others(first.shape)));
  if (odd !== undefined) {
    throw shapeError(
      "concat",
      `shapes equal but for axis ${normalized}`,
      `${formatShape(first.shape)} and ${formatShape(odd.shape)}`,
    );
  }
  const sizes = tensors.map(({ shape }) => shape[normalized]!);
  const total =
    size ?? sizes.map((part) => knownDimension(part, "concat")).reduce((sum, part) => sum + part, 0);
  const shape = first.shape.with(normalized, total);
  const joined = first.graph.emitOne(
    "Concat",
    tensors,
    { dataType: first.dataType, shape },
    {
      attributes: { axis: { integer: normalized } },
      backward: single((gradient) => split(gradient, { axis: normalized, sizes })),
    },
  );
  first.graph.nameDimensions(joined);
  return joined;
}

/** Where `split()` cuts. */
export interface SplitOptions {
  readonly axis: number;
  /** Sizes of the parts, in order; together the whole axis. */
  readonly sizes: readonly Dim[];
}

/** Cuts along one axis. */
export function split(x: Tensor, { axis, sizes }: SplitOptions): Tensor[] {
  const normalized = normalizeAxis(axis, x.shape, "split");
  const whole = x.shape[normalized]!;
  const known = sizes.filter((size) => typeof size === "number");
  const isKnown = typeof whole === "number" && known.length === sizes.length;
  if (isKnown && known.reduce((sum, size) => sum + size, 0) !== whole) {
    throw shapeError("split", `sizes that add up to ${whole}`, formatShape(sizes));
  }
  const shapes = sizes.map((size) => x.shape.with(normalized, size));
  const outputs: Tensor[] = x.graph.emit(
    "Split",
    [x, x.graph.shapeTensor(sizes)],
    shapes.map((shape) => ({ dataType: x.dataType, shape })),
    {
      attributes: { axis: { integer: normalized } },
      backward: (gradients) => [
        concat(
          gradients.map((gradient, part) => gradient ?? zerosLike(outputs[part]!)),
          normalized,
          { size: whole },
        ),
      ],
    },
  );
  return outputs;
}

function sliceBounds(size: Dim, start: number, end: number | undefined): readonly [number, number] {
  if (typeof size === "number") {
    const first = start < 0 ? start + size : start;
    const last = end === undefined ? size : end < 0 ? end + size : end;
    if (0 <= first && first <= last && last <= size) return [first, last];
  } else {
    const last = end ?? 0;
    // Both count from the front, or both from the back (where an absent end is the end).
    const isFixed = start >= 0 ? end !== undefined && end >= start : last <= 0 && last >= start && end !== 0;
    if (isFixed) return [start, last];
  }
  throw shapeError("slice", `bounds inside an axis of size ${size}`, `${start} to ${end ?? "the end"}`);
}
