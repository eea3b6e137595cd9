import { dequantize } from "./dequantize.ts";
import type { QuantizedMatrix } from "./quantized-matrix.ts";

/** A weight as a file gave it; values that no `QuantizedMatrix` holds exactly are dequantized. */
export type StoredWeight =
  | { readonly kind: "quantized"; readonly matrix: QuantizedMatrix }
  | { readonly kind: "dense"; /** [rows, columns]. */ readonly values: Float32Array };

/** What was read of a weight: a matrix if its scales are exact in fp16, as `QuantizedMatrix` promises, else its numbers. */
export function storedWeight(matrix: QuantizedMatrix): StoredWeight {
  return inexactScale(matrix) === null
    ? { kind: "quantized", matrix }
    : { kind: "dense", values: dequantize(matrix) };
}

/** The numbers of a stored weight, [rows, columns]. */
export function denseValues(weight: StoredWeight): Float32Array {
  return weight.kind === "dense" ? weight.values : dequantize(weight.matrix);
}

/** The first scale that fp16 would round or that is not finite, in words; null when there is none. */
export function inexactScale({ scales }: Pick<QuantizedMatrix, "scales">): string | null {
  const index = scales.findIndex((scale) => !Number.isFinite(scale) || Math.f16round(scale) !== scale);
  return index === -1 ? null : `scale ${index} is ${scales[index]}, which fp16 does not hold`;
}
