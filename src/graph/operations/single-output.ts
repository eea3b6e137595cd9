import type { Backward, Tensor } from "../tensor.ts";

/** The rule of an operation with one output, whose gradient is then never null. */
export function single(backward: (gradient: Tensor) => readonly (Tensor | null)[]): Backward {
  return ([gradient]) => backward(gradient!);
}
