import { typedArrays, type DataType, type TypedArray } from "../onnx/index.ts";
import { BitmendError } from "../util/errors.ts";

/**
 * A tensor with content, as it goes into and comes out of a session.
 *
 * Data in a SharedArrayBuffer is seen by the worker where it lies; other data is copied on the way. f16 and bf16 do not
 * cross into ONNX Runtime: refer to such weights with `Graph.external()` and cast them in the graph.
 */
export interface EngineTensor {
  readonly dataType: DataType;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: TypedArray;
}

/** A tensor of zeros in shared memory: a feed that is refilled, or a fetch that results are written to. */
export function sharedTensor(dataType: DataType, shape: readonly number[]): EngineTensor {
  const length = elementCount(shape);
  const constructor = typedArrays[dataType];
  const buffer = new SharedArrayBuffer(length * constructor.BYTES_PER_ELEMENT);
  return { dataType, shape, data: new constructor(buffer, 0, length) };
}

/** A typed array in shared memory with the content of `data`. */
export function toShared(tensor: EngineTensor): EngineTensor {
  const shared = sharedTensor(tensor.dataType, tensor.shape);
  copyElements(tensor.data, shared.data);
  return shared;
}

/** Copies all elements of one typed array to another of the same kind. */
export function copyElements(source: TypedArray, target: TypedArray): void {
  if (source instanceof BigInt64Array && target instanceof BigInt64Array) target.set(source);
  else if (!(source instanceof BigInt64Array) && !(target instanceof BigInt64Array)) target.set(source);
  else
    throw new BitmendError(
      "engine/bad-tensor",
      "copyElements(): expected typed arrays of one kind, got two.",
    );
}

/** The number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, dimension) => count * dimension, 1);
}
