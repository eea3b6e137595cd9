import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { Tensor } from "../graph/tensor.ts";
import { gather, reshape, rmsNorm } from "../graph/operations.ts";
import { product } from "../graph/shape.ts";
import { decoderLayer } from "./decoder-layer.ts";
import type { DecoderParts } from "./decoder-parts.ts";
import { headSite } from "./linear-sites.ts";
import { validateAgainstFamily } from "./validate-against-family.ts";

/** The token ids a decoder reads, and the parts it is built from. */
export interface DecoderInput {
  /** [batch, sequence] or [tokens], i64. */
  readonly tokenIds: Tensor;
  readonly parts: DecoderParts;
}

/** The outputs of a decoder: hidden states, and logits of those rows that somebody needs. */
export interface DecoderOutput {
  /** [tokens, hiddenSize], after the final norm; tokens = batch · sequence, row by row. */
  readonly hidden: Tensor;
  /** Maps [rows, hiddenSize] to [rows, vocabularySize]. */
  readonly logits: (hidden: Tensor) => Tensor;
}

/**
 * A decoder-only transformer (`llama`, `qwen2`, `qwen3`) as a graph.
 *
 * Everything that differs between families is in `config`; everything that differs in how weights are stored or attention is run is in
 * `parts`. Differentiable wherever its parts are.
 *
 * @throws {BitmendError} `models/contradicting-config` when the configuration contradicts its `modelType`.
 */
export function decoder(config: ModelConfig, { tokenIds, parts }: DecoderInput): DecoderOutput {
  validateAgainstFamily(config);
  const { vocabularySize, hiddenSize } = config;
  const table = parts.parameter("model.embed_tokens.weight", [vocabularySize, hiddenSize]);
  let hidden = gather(table, reshape(tokenIds, [product(tokenIds.shape)]));
  for (let layer = 0; layer < config.layerCount; layer++)
    hidden = decoderLayer(hidden, { config, layer, parts });
  const normWeight = parts.parameter("model.norm.weight", [hiddenSize]);
  return {
    hidden: rmsNorm(hidden, normWeight, { epsilon: config.rmsNormEpsilon }),
    logits: (rows) => parts.linear(rows, headSite(config)),
  };
}
