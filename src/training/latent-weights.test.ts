import { expect, test } from "vitest";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { latentWeights } from "./latent-weights.ts";
import { roundHalfToEven } from "../quantization/grid.ts";

const matrix: QuantizedMatrix = {
  bits: 2,
  rows: 1,
  columns: 4,
  groupSize: 2,
  symmetric: false,
  codes: Uint8Array.of(0, 3, 1, 2),
  scales: Float32Array.of(1, 0.5),
  zeroPoints: Uint8Array.of(1, 2),
};
const full = Float32Array.of(-1.25, 9, -2, 0.125);

test("worked example: centres are (code - zero point) · scale", () => {
  expect([...latentWeights(matrix, full, "quantized")]).toEqual([-1, 2, -0.5, 0]);
});

test("worked example: a clamped start keeps what is inside the cell and pulls in the rest", () => {
  expect(latentWeights(matrix, full, "clamped")).toBeAllClose([-1.25, 2.49, -0.745, 0.125]);
});

test("a full start is the full-precision weight itself", () => {
  expect(latentWeights(matrix, full, "full")).toBe(full);
});

test("roundHalfToEven rounds as ONNX does", () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 0.49, -2.51].map((value) => roundHalfToEven(value) + 0)).toEqual([
    0, 2, 2, 0, -2, 0, -3,
  ]);
});
