import { dequantize } from "../checkpoint/dequantize.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";

/**
 * Where latent weights begin: `quantized` at the middle of their code's cell, `clamped` at the full-precision value pulled into that
 * cell, `full` at the full-precision value, whatever its code would be.
 */
export type LatentStart = "quantized" | "clamped" | "full";

/** Part of the half-cell that a clamped weight may use, so that rounding cannot move it to the neighbour. */
const reach = 0.49;

/** Latent weights [rows, columns] for `matrix`; the first two starts reproduce its codes exactly. */
export function latentWeights(matrix: QuantizedMatrix, full: Float32Array, start: LatentStart): Float32Array {
  if (start === "full") return full;
  const centers = dequantize(matrix);
  if (start === "quantized") return centers;
  return centers.map((center, index) => {
    const margin = reach * matrix.scales[Math.floor(index / matrix.groupSize)]!;
    return Math.min(center + margin, Math.max(center - margin, full[index]!));
  });
}
