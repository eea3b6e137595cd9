/** @file The seams of the decoder: what stays the same in every model asks these parts for everything that differs in how it is stored or run. */
import type { Tensor } from "../graph/tensor.ts";
import type { LinearSite } from "./linear-sites.ts";

/** Maps `input` [tokens, site.inFeatures] to [tokens, site.outFeatures], without the bias. */
export type Linear = (input: Tensor, site: LinearSite) => Tensor;

/** Queries, keys and values of one layer before RoPE. */
interface AttentionInput {
  /** [tokens, headCount · headDimension]. */
  readonly query: Tensor;
  /** [tokens, keyValueHeadCount · headDimension]. */
  readonly key: Tensor;
  /** [tokens, keyValueHeadCount · headDimension]. */
  readonly value: Tensor;
  readonly layer: number;
}

/** Applies RoPE and causal attention; returns [tokens, headCount · headDimension]. */
export type Attention = (input: AttentionInput) => Tensor;

/** What a decoder is made of besides its arithmetic. */
export interface DecoderParts {
  readonly linear: Linear;
  /** Norm weights, biases and the embedding table by Hugging Face tensor name. */
  readonly parameter: (name: string, shape: readonly number[]) => Tensor;
  readonly attention: Attention;
}
