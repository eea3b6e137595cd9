import { BitmendError } from "../util/errors.ts";
import { bfloat16ToFloat32, float16ToFloat32 } from "./half-floats.ts";
import { readTensorBytes, type TensorLocation } from "./safetensors.ts";

/**
 * Reads a float tensor as float32: fp16 and bf16 exactly, float64 rounded.
 *
 * @throws {BitmendError} `checkpoint/not-float` for an integer tensor.
 */
export function readFloat32(tensor: TensorLocation): Float32Array {
  refuseIntegers(tensor);
  return floatValues(readTensorBytes(tensor).buffer, tensor);
}

/** The elements of a float tensor whose bytes were read. */
export function floatValues(
  buffer: ArrayBuffer,
  tensor: Pick<TensorLocation, "dataType" | "path">,
): Float32Array {
  const dataType = refuseIntegers(tensor);
  switch (dataType) {
    case "F32":
      return new Float32Array(buffer);
    case "F16":
      return float16ToFloat32(new Uint16Array(buffer));
    case "BF16":
      return bfloat16ToFloat32(new Uint16Array(buffer));
    case "F64":
      return new Float32Array(new Float64Array(buffer));
    default:
      return dataType satisfies never;
  }
}

function refuseIntegers({
  dataType,
  path,
}: Pick<TensorLocation, "dataType" | "path">): "F32" | "F16" | "BF16" | "F64" {
  if (dataType === "F32" || dataType === "F16" || dataType === "BF16" || dataType === "F64") return dataType;
  throw new BitmendError(
    "checkpoint/not-float",
    `readFloat32(): expected a float tensor, got ${dataType} in ${path}.`,
  );
}
