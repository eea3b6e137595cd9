/**
 * @file Linears whose input is rounded to 8-bit integers, one scale a token (W8A8).
 *
 * The rounding is that of compressed-tensors for `input_activations` {8 bits, symmetric, dynamic, strategy "token"}
 * ({@link https://github.com/vllm-project/compressed-tensors} 0.20, `calculate_qparams()` in `quantization/utils/helpers.py`,
 * `_quantize_dequantize()` in `quantization/lifecycle/forward_helpers.py`). With x the values of one token:
 *
 *     scale = max |x| / 127.5, or 2^-23 for a token of zeros        code = round half to even(clamp(x / scale, -128, 127))
 *
 * Departures: 1. where a matrix has one group a row, the product is one of integers (`MatMulInteger`), exact, and scaled afterwards;
 * compressed-tensors multiplies scaled floats, and the difference is its rounding. 2. Scales are float32 whatever the model's element type.
 */
import {
  abs,
  add,
  cast,
  clip,
  compare,
  divide,
  multiply,
  reduceMax,
  roundStraightThrough,
  where,
} from "../../graph/operations.ts";
import type { Tensor } from "../../graph/tensor.ts";

/** Activations as integers. */
interface RoundedActivations {
  /** [tokens, features], f32 that are integers in -128 … 127. */
  readonly codes: Tensor;
  /** [tokens, 1], f32. */
  readonly scales: Tensor;
}

/** What a token of zeros has as its scale: the epsilon of float32. */
const ZERO_TOKEN_SCALE = 2 ** -23;

/**
 * Rounds each token, [tokens, features], on its own.
 *
 * A row depends on nothing but itself: elementwise operations and a maximum, which is exact in any order.
 */
export function roundActivations(input: Tensor): RoundedActivations {
  const step = divide(reduceMax(abs(input), { axes: [-1], keepDims: true }), 127.5);
  const scales = where(compare(step, "Equal", 0), ZERO_TOKEN_SCALE, step);
  const codes = clip(roundStraightThrough(divide(input, scales)), { low: -128, high: 127 });
  return { codes, scales };
}

/** A low-bit weight of one group a row. */
interface IntegerWeight {
  /** [columns, rows], u8. */
  readonly codes: Tensor;
  /** [rows], f32. */
  readonly scales: Tensor;
  /** [rows], u8. */
  readonly zeroPoints: Tensor;
}

/**
 * Rounded activations times a weight, [tokens, rows].
 *
 * The sum of integers is exact, so no order, thread or neighbour can change it: |sum| <= 128 · 255 · columns stays below 2^31 up to 65,793
 * columns. Codes go in unsigned with zero points on both sides, since processors without VNNI saturate products of unsigned by signed.
 */
export function integerProduct(
  activations: RoundedActivations,
  { codes, scales, zeroPoints }: IntegerWeight,
): Tensor {
  const { graph, shape } = activations.codes;
  const sum = graph.emitOne(
    "MatMulInteger",
    [cast(add(activations.codes, 128), "u8"), codes, graph.constant("u8", [], [128]), zeroPoints],
    { dataType: "i32", shape: [...shape.slice(0, -1), codes.shape[1]!] },
  );
  return multiply(multiply(cast(sum, "f32"), activations.scales), scales);
}

/** The transpose of bytes [rows, columns]. */
export function transposed(
  bytes: Uint8Array,
  { rows, columns }: { readonly rows: number; readonly columns: number },
): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = bytes[row * columns + column]!;
    }
  }
  return result;
}
