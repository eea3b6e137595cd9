/**
 * @file Low-rank adaptation (LoRA) over any linear, frozen or not.
 *
 * {@link https://arxiv.org/abs/2106.09685 | LoRA, Hu et al. 2021}, section 4.1: h = W·x + (alpha / rank)·B·A·x, A random, B zero at the start.
 */
import type { Tensor } from "../../graph/tensor.ts";
import { add, gemm } from "../../graph/operations.ts";
import type { Linear } from "../decoder-parts.ts";
import type { LinearSite } from "../linear-sites.ts";

/** The two factors of one site's update. */
export interface LoraFactors {
  /** "A", [rank, inFeatures]. */
  readonly down: Tensor;
  /** "B", [outFeatures, rank]. */
  readonly up: Tensor;
}

/** Where adapters sit and how strongly they count. */
export interface LoraOptions {
  /** The linear that is adapted. */
  readonly base: Linear;
  /** The factors of a site, or null where there is no adapter. */
  readonly factors: (site: LinearSite) => LoraFactors | null;
  /** Multiplies the update; the paper's alpha / rank. */
  readonly scaling: number;
}

/** Adds a low-rank update to a linear. */
export function lora({ base, factors, scaling }: LoraOptions): Linear {
  return (input, site) => {
    const output = base(input, site);
    const adapter = factors(site);
    if (adapter === null) return output;
    const compressed = gemm(input, adapter.down, { transposeB: true });
    return add(output, gemm(compressed, adapter.up, { transposeB: true, alpha: scaling }));
  };
}
