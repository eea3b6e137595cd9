import { bfloat16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "./half-floats.ts";
import type { TensorToWrite } from "./safetensors.ts";
import type { StoredDataType } from "./tensor-location.ts";

/** Stores numbers in the data type preferred if it holds every one of them exactly, else as F32. */
export function encodeFloats(
  values: Float32Array,
  { preferred }: { preferred: StoredDataType | undefined },
): Pick<TensorToWrite, "dataType" | "data"> {
  if (preferred === "F16" && values.every((value) => Object.is(Math.f16round(value), value))) {
    return { dataType: "F16", data: bytesOf(float32ToFloat16(values)) };
  }
  if (preferred === "BF16") {
    const bits = float32ToBfloat16(values);
    const restored = bfloat16ToFloat32(bits);
    if (values.every((value, index) => Object.is(restored[index], value))) {
      return { dataType: "BF16", data: bytesOf(bits) };
    }
  }
  return { dataType: "F32", data: bytesOf(Float32Array.from(values)) };
}

function bytesOf(values: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
