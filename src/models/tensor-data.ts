/** @file The elements of engine tensors as the typed array that their data type says. */
import type { EngineTensor } from "../engine/index.ts";
import { BitmendError } from "../util/errors.ts";

/** The elements of an f32 tensor. */
export function floatData(tensor: EngineTensor | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw wrongType("f32", tensor);
}

/** The elements of an i32 tensor. */
export function intData(tensor: EngineTensor | undefined): Int32Array {
  if (tensor?.data instanceof Int32Array) return tensor.data;
  throw wrongType("i32", tensor);
}

/** The elements of an i64 tensor. */
export function longData(tensor: EngineTensor | undefined): BigInt64Array {
  if (tensor?.data instanceof BigInt64Array) return tensor.data;
  throw wrongType("i64", tensor);
}

function wrongType(expected: string, tensor: EngineTensor | undefined): BitmendError {
  return new BitmendError(
    "models/tensor-type",
    `expected an ${expected} tensor, got ${tensor?.dataType ?? "none"}.`,
  );
}
