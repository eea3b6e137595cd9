import type { QuantizedMatrix } from "./quantized-matrix.ts";

/** The weights that the codes stand for, [rows, columns]; exact, since an fp16 scale times a code difference fits float32. */
export function dequantize({
  codes,
  scales,
  zeroPoints,
  groupSize,
}: Pick<QuantizedMatrix, "codes" | "scales" | "zeroPoints" | "groupSize">): Float32Array {
  const weights = new Float32Array(codes.length);
  for (let group = 0; group < scales.length; group++) {
    const scale = scales[group]!;
    const zeroPoint = zeroPoints[group]!;
    const groupEnd = (group + 1) * groupSize;
    for (let index = group * groupSize; index < groupEnd; index++) {
      weights[index] = (codes[index]! - zeroPoint) * scale;
    }
  }
  return weights;
}
