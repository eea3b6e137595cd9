/** Bits a weight code can have; 5 and 6 only where a format stores them (MLX, GGUF). */
export type Bits = 2 | 3 | 4 | 5 | 6 | 8;

/**
 * One quantized weight matrix, the single in-memory form that every method makes and every format writes:
 * `weight[row, column] ≈ (code - zeroPoint) · scale` of the column's group.
 */
export interface QuantizedMatrix {
  readonly bits: Bits;
  /** Output features. */
  readonly rows: number;
  /** Input features; a multiple of `groupSize`. */
  readonly columns: number;
  /** Consecutive input features that share one scale; `columns` itself for per-channel. */
  readonly groupSize: number;
  /** True when every zero point is 2^(bits-1). */
  readonly symmetric: boolean;
  /** [rows, columns], unsigned, each in 0 … 2^bits - 1. */
  readonly codes: Uint8Array;
  /** [rows, columns / groupSize], weight units per code step; each value is exactly representable in fp16. */
  readonly scales: Float32Array;
  /** [rows, columns / groupSize], the code that decodes to exactly 0. */
  readonly zeroPoints: Uint8Array;
  /**
   * How the input of the linear is rounded before the product: to 8-bit integers with one scale a token (W8A8), scale = absmax / 127.5,
   * codes in -128 … 127, as compressed-tensors computes dynamic per-token activations. Absent: not at all.
   */
  readonly activations?: "int8-per-token";
}
