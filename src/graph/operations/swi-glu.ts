import { formatShape, sameShape, shapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { multiply, requireSameType } from "./elementwise.ts";
import { silu, siluSlope } from "./functions.ts";

/** silu(gate) · up (https://arxiv.org/abs/2002.05202), with a gradient that computes the sigmoid again instead of keeping it. */
export function swiGlu(gate: Tensor, up: Tensor): Tensor {
  requireSameType([gate, up], "swiGlu");
  if (!sameShape(gate.shape, up.shape)) {
    throw shapeError("swiGlu", "equal shapes", `${formatShape(gate.shape)} and ${formatShape(up.shape)}`);
  }
  let activated: Tensor | null = null;
  const [output] = gate.graph.block({
    inputs: [gate, up],
    compute: () => {
      activated = silu(gate);
      return [multiply(activated, up)];
    },
    backward: ([gradient]) => [
      multiply(multiply(gradient!, up), siluSlope(gate, activated!)),
      multiply(gradient!, activated!),
    ],
  });
  return output!;
}
