import type { Tensor } from "../tensor.ts";

/** A block whose gradient is written by hand. */
export interface CustomGradient {
  /** Tensors that a gradient may flow to. */
  readonly inputs: readonly Tensor[];
  /** Emits the forward pass; none of its operations is differentiated. */
  readonly compute: () => Tensor;
  /** Emits the gradients of the inputs from the gradient of the output; null where none flows. */
  readonly backward: (outputGradient: Tensor, output: Tensor) => readonly (Tensor | null)[];
}

/** Replaces the gradient of a computation: straight-through estimators, recomputation, fused rules. */
export function customGradient({ inputs, compute, backward }: CustomGradient): Tensor {
  const [output] = inputs[0]!.graph.block({
    inputs,
    compute: () => [compute()],
    backward: ([gradient]) => backward(gradient!, output!),
  });
  return output!;
}
