import type { ModelConfig } from "../checkpoint/model-config.ts";
import { knownDimension } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add, reshape, rmsNorm, swiGlu } from "../graph/operations.ts";
import type { DecoderParts } from "./decoder-parts.ts";
import { layerSites, type LinearSite } from "./linear-sites.ts";

/** Which layer of which model to build, from which parts. */
export interface DecoderLayerOptions {
  readonly config: ModelConfig;
  readonly layer: number;
  readonly parts: DecoderParts;
}

/**
 * One pre-norm decoder layer: attention and SwiGLU feed-forward, each added to the residual stream.
 *
 * `hidden` and the result are [tokens, hiddenSize]. It and its halves are functions of their own so that calibration can run one at a time.
 */
export function decoderLayer(hidden: Tensor, options: DecoderLayerOptions): Tensor {
  return feedForwardHalf(attentionHalf(hidden, options), options);
}

/** The first half of a layer: `hidden` plus attention. */
export function attentionHalf(hidden: Tensor, options: DecoderLayerOptions): Tensor {
  const { config, layer, parts } = options;
  const { q, k, v, o } = layerSites(config, layer);
  const normalized = normalize(hidden, "input_layernorm", options);
  const query = project(normalized, q, parts);
  const key = project(normalized, k, parts);
  const attended = parts.attention({
    query: config.queryKeyNorm ? normalizeHeads(query, "self_attn.q_norm", options) : query,
    key: config.queryKeyNorm ? normalizeHeads(key, "self_attn.k_norm", options) : key,
    value: project(normalized, v, parts),
    layer,
  });
  return add(hidden, project(attended, o, parts));
}

/** The second half of a layer: `hidden` plus feed-forward. */
export function feedForwardHalf(hidden: Tensor, options: DecoderLayerOptions): Tensor {
  const { config, layer, parts } = options;
  const { gate, up, down } = layerSites(config, layer);
  const normalized = normalize(hidden, "post_attention_layernorm", options);
  const activated = swiGlu(project(normalized, gate, parts), project(normalized, up, parts));
  return add(hidden, project(activated, down, parts));
}

function normalize(hidden: Tensor, module: string, { config, layer, parts }: DecoderLayerOptions): Tensor {
  const weight = parts.parameter(`model.layers.${layer}.${module}.weight`, [config.hiddenSize]);
  return rmsNorm(hidden, weight, { epsilon: config.rmsNormEpsilon });
}

/** RMSNorm over each head on its own (Qwen3). */
function normalizeHeads(
  projected: Tensor,
  module: string,
  { config, layer, parts }: DecoderLayerOptions,
): Tensor {
  const weight = parts.parameter(`model.layers.${layer}.${module}.weight`, [config.headDimension]);
  const width = knownDimension(projected.shape[1], "normalizeHeads");
  const heads = reshape(projected, [projected.shape[0]!, width / config.headDimension, config.headDimension]);
  return reshape(rmsNorm(heads, weight, { epsilon: config.rmsNormEpsilon }), projected.shape);
}

function project(input: Tensor, site: LinearSite, { linear, parameter }: DecoderParts): Tensor {
  const output = linear(input, site);
  return site.hasBias ? add(output, parameter(`${site.name}.bias`, [site.outFeatures])) : output;
}
