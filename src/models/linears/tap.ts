/**
 * @file Calibration taps: what a linear reads, summed up as the methods need it.
 *
 * {@link https://arxiv.org/abs/2210.17323 | GPTQ, Frantar et al. 2022}, section 3: H = 2·XᵀX over the calibration tokens; the factor 2
 * cancels, so XᵀX is what a tap gives. {@link https://arxiv.org/abs/2306.00978 | AWQ} weighs channels by their mean magnitude,
 * {@link https://arxiv.org/abs/2211.10438 | SmoothQuant} by their largest.
 */
import type { Tensor } from "../../graph/tensor.ts";
import { abs, gemm, multiply, reduceMax, reduceSum } from "../../graph/operations.ts";
import type { Linear } from "../decoder-parts.ts";
import type { LinearSite } from "../linear-sites.ts";

/** Sums over the counted tokens of one activation. */
interface TappedActivation {
  /** [tokens, inFeatures], zeros where a token does not count. */
  readonly counted: Tensor;
  /** [inFeatures, inFeatures]. */
  readonly gram: Tensor;
  /** [inFeatures]. */
  readonly absoluteSum: Tensor;
  /** [inFeatures]. */
  readonly absoluteMaximum: Tensor;
}

/** What a tap has recorded while the graph was built. */
export interface Tap {
  readonly linear: Linear;
  /** By the name of the first site that reads an activation; sites of one group share it. */
  readonly activations: ReadonlyMap<string, TappedActivation>;
  /** The input [tokens, inFeatures] of every site. */
  readonly inputs: ReadonlyMap<string, Tensor>;
}

/** Which tokens count. */
export interface TapOptions {
  readonly base: Linear;
  /** [tokens, 1], 1 for a token that counts and 0 for padding; absent: all count. */
  readonly tokenWeights?: Tensor;
}

/** Wraps `base` so that each distinct activation it is given is also summed up. */
export function tap({ base, tokenWeights }: TapOptions): Tap {
  const activations = new Map<string, TappedActivation>();
  const inputs = new Map<string, Tensor>();
  const seen = new Set<Tensor>();
  return {
    activations,
    inputs,
    linear: (input, site: LinearSite) => {
      inputs.set(site.name, input);
      if (!seen.has(input)) {
        seen.add(input);
        const counted = tokenWeights === undefined ? input : multiply(input, tokenWeights);
        const magnitude = abs(counted);
        activations.set(site.name, {
          counted,
          gram: gemm(counted, input, { transposeA: true }),
          absoluteSum: reduceSum(magnitude, { axes: [0], keepDims: false }),
          absoluteMaximum: reduceMax(magnitude, { axes: [0], keepDims: false }),
        });
      }
      return base(input, site);
    },
  };
}
