/**
 * @file Calibration taps: what a linear reads, summed up as the Gram matrix that GPTQ needs.
 *
 * {@link https://arxiv.org/abs/2210.17323 | GPTQ, Frantar et al. 2022}, section 3: H = 2·XᵀX over the calibration tokens; the factor 2
 * cancels, so XᵀX is what a tap gives.
 */
import type { Tensor } from "../../graph/tensor.ts";
import { gemm, multiply } from "../../graph/operations.ts";
import type { Linear } from "../decoder-parts.ts";
import type { LinearSite } from "../linear-sites.ts";

/** What a tap has recorded while the graph was built. */
export interface Tap {
  readonly linear: Linear;
  /**
   * Gram matrix [inFeatures, inFeatures] by the name of the first site that reads an activation; sites of one group share it.
   */
  readonly grams: ReadonlyMap<string, Tensor>;
  /** The input [tokens, inFeatures] of every site. */
  readonly inputs: ReadonlyMap<string, Tensor>;
}

/** Which tokens count. */
export interface TapOptions {
  readonly base: Linear;
  /** [tokens, 1], 1 for a token that counts and 0 for padding; absent: all count. */
  readonly tokenWeights?: Tensor;
}

/** Wraps `base` so that each distinct activation it is given also yields its Gram matrix. */
export function tap({ base, tokenWeights }: TapOptions): Tap {
  const grams = new Map<string, Tensor>();
  const inputs = new Map<string, Tensor>();
  const seen = new Set<Tensor>();
  return {
    grams,
    inputs,
    linear: (input, site: LinearSite) => {
      inputs.set(site.name, input);
      if (!seen.has(input)) {
        seen.add(input);
        const counted = tokenWeights === undefined ? input : multiply(input, tokenWeights);
        grams.set(site.name, gemm(counted, input, { transposeA: true }));
      }
      return base(input, site);
    },
  };
}
