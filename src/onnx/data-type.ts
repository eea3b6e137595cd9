/** Element types of tensors, by the names bitmend uses. */
export type DataType = "f32" | "f64" | "f16" | "bf16" | "i64" | "i32" | "i8" | "u8" | "bool";

/** The typed arrays that hold tensor elements; f16 and bf16 are held as their 16-bit patterns, bool as 0 and 1. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int8Array
  | Uint8Array
  | Uint16Array;

interface TypedArrayConstructor {
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
}

/** `TensorProto.DataType` codes (onnx.proto3). */
export const onnxDataTypes: Readonly<Record<DataType, number>> = {
  f32: 1,
  u8: 2,
  i8: 3,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  f64: 11,
  bf16: 16,
};

/** The typed array that holds elements of each data type. */
export const typedArrays: Readonly<Record<DataType, TypedArrayConstructor>> = {
  f32: Float32Array,
  f64: Float64Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i64: BigInt64Array,
  i32: Int32Array,
  i8: Int8Array,
  u8: Uint8Array,
  bool: Uint8Array,
};

/** Bytes of one element. */
export function bytesPerElement(dataType: DataType): number {
  return typedArrays[dataType].BYTES_PER_ELEMENT;
}

/** Converts plain numbers to a typed array of `dataType`; f16 and bf16 must come as bit patterns already. */
export function toTypedArray(dataType: DataType, values: readonly number[]): TypedArray {
  const array = new typedArrays[dataType](values.length);
  for (const [index, value] of values.entries())
    array[index] = array instanceof BigInt64Array ? BigInt(value) : value;
  return array;
}
