/**
 * @file What formats share: tensors of 32-bit words, and scales and zero points by group ([groups, out]), as GPTQ and AWQ have them.
 */
import { float32ToFloat16 } from "../half-floats.ts";
import type { QuantizedMatrix } from "../quantized-matrix.ts";
import { readFloat32 } from "../read-float32.ts";
import { readTensorBytes, type TensorLocation, type TensorToWrite } from "../safetensors.ts";
import { transpose } from "../transpose.ts";

/** What the values of a matrix's groups are laid out by. */
interface Groups {
  /** Output features. */
  readonly rows: number;
  /** Of one row. */
  readonly groups: number;
}

/** A tensor of 32-bit words. */
export function wordTensor(
  name: string,
  shape: readonly number[],
  words: Int32Array<ArrayBuffer>,
): TensorToWrite {
  return { name, dataType: "I32", shape, data: new Uint8Array(words.buffer) };
}

export function readWords(tensor: TensorLocation): Int32Array<ArrayBuffer> {
  return new Int32Array(readTensorBytes(tensor).buffer);
}

/** Scales as fp16, [groups, rows]; what fp16 does not hold is rounded. */
export function scaleTensor(
  name: string,
  { scales, rows, columns, groupSize }: QuantizedMatrix,
): TensorToWrite {
  const groups = columns / groupSize;
  const transposed = transpose(scales, new Float32Array(scales.length), { rows, columns: groups });
  return {
    name,
    dataType: "F16",
    shape: [groups, rows],
    data: new Uint8Array(float32ToFloat16(transposed).buffer),
  };
}

/** The inverse of {@link scaleTensor}: [rows, groups]. */
export function readScales(tensor: TensorLocation, { rows, groups }: Groups): Float32Array {
  const scales = readFloat32(tensor);
  return transpose(scales, new Float32Array(scales.length), { rows: groups, columns: rows });
}

/** Zero points by group, [groups, rows]. */
export function zeroPointsByGroup({
  zeroPoints,
  rows,
  columns,
  groupSize,
}: QuantizedMatrix): Uint8Array<ArrayBuffer> {
  return transposedCodes(zeroPoints, { rows, columns: columns / groupSize });
}

/** [columns, rows] of [rows, columns]. */
export function transposedCodes(
  codes: Uint8Array,
  shape: { rows: number; columns: number },
): Uint8Array<ArrayBuffer> {
  const transposed = new Uint8Array(codes.length);
  transpose<Uint8Array>(codes, transposed, shape);
  return transposed;
}
