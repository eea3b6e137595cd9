import { bfloat16ToFloat32, float32ToBfloat16 } from "./half-floats.ts";
import type { StoredDataType } from "./tensor-location.ts";

/** The nearest numbers that a tensor of `dataType` holds, ties to even; of types that are not floats of 16 bits, the numbers as they are. */
export function roundFloats(values: Float32Array, dataType: StoredDataType | undefined): Float32Array {
  if (dataType === "BF16") return bfloat16ToFloat32(float32ToBfloat16(values));
  return dataType === "F16" ? values.map((value) => Math.f16round(value)) : values;
}
