/**
 * @file Fake quantization: the forward pass sees the low-bit weight, the backward pass a straight-through estimate.
 *
 * With s the scale, z the zero point, w the weight and n = 2^bits - 1 (all per group):
 *
 *     code = clip(round(w / s) + round(z), 0, n)        ŵ = (code - round(z)) · s
 *
 * Rounding passes gradients unchanged, clipping masks them. That gives, inside the grid and outside it,
 *
 *     ∂ŵ/∂w = 1 | 0        ∂ŵ/∂s = (code - round(z)) - w/s | code - round(z)        ∂ŵ/∂z = 0 | -s
 *
 * {@link https://arxiv.org/abs/1902.08153 | LSQ, Esser et al. 2019}, equation 3, for w and s;
 * {@link https://arxiv.org/abs/2407.11062 | EfficientQAT, Chen et al. 2024}, section 3.2, for the asymmetric grid with a learned zero point.
 *
 * Departures: 1. the scale is used as fp16 stores it (straight through), so that what is trained is what the low-bit file holds.
 * 2. round(z) is also clipped to 0 … n, masking its gradient, as a code must be stored.
 */
import { knownDimension } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import {
  add,
  cast,
  clip,
  customGradient,
  divide,
  gemm,
  multiply,
  reshape,
  roundStraightThrough,
  subtract,
} from "../../graph/operations.ts";
import type { Bits } from "../../checkpoint/quantized-matrix.ts";
import type { Linear } from "../decoder-parts.ts";
import type { LinearSite } from "../linear-sites.ts";

/** Weight, scale and zero point of one matrix; each may be learned or constant. */
export interface FakeQuantizedWeight {
  /** [outFeatures, inFeatures]. */
  readonly weight: Tensor;
  /** [outFeatures, groups], positive. */
  readonly scale: Tensor;
  /** [outFeatures, groups], real-valued; rounded in use. */
  readonly zeroPoint: Tensor;
  readonly bits: Bits;
}

/** The low-bit weight ŵ [outFeatures, inFeatures] with straight-through gradients to weight, scale and zero point. */
export function fakeQuantize({ weight, scale, zeroPoint, bits }: FakeQuantizedWeight): Tensor {
  const outFeatures = knownDimension(weight.shape[0], "fakeQuantize");
  const inFeatures = knownDimension(weight.shape[1], "fakeQuantize");
  const groups = knownDimension(scale.shape[1], "fakeQuantize");
  const perGroup = [outFeatures, groups, 1];
  const limits = { low: 0, high: 2 ** bits - 1, gradient: "mask" } as const;
  const step = reshape(asStored(scale), perGroup);
  const zero = clip(roundStraightThrough(reshape(zeroPoint, perGroup)), limits);
  const grouped = reshape(weight, [outFeatures, groups, inFeatures / groups]);
  const code = clip(add(roundStraightThrough(divide(grouped, step)), zero), limits);
  return reshape(multiply(subtract(code, zero), step), [outFeatures, inFeatures]);
}

/** The value that fp16 keeps of each scale; gradients pass as if it kept all. */
function asStored(scale: Tensor): Tensor {
  return customGradient({
    inputs: [scale],
    compute: () => cast(cast(scale, "f16"), scale.dataType),
    backward: (gradient) => [gradient],
  });
}

/** A linear whose weights are fake-quantized wherever `weights` has an entry for the site, and `base` elsewhere. */
export function fakeQuantized(
  weights: (site: LinearSite) => FakeQuantizedWeight | null,
  base: Linear,
): Linear {
  return (input, site) => {
    const quantized = weights(site);
    return quantized === null
      ? base(input, site)
      : gemm(input, fakeQuantize(quantized), { transposeB: true });
  };
}
