import type { ModelConfig } from "./model-config.ts";

/** Shapes of every tensor a checkpoint of `config` must have, by Hugging Face name; linear weights are [out, in]. */
export function expectedTensors(config: ModelConfig): Map<string, readonly number[]> {
  const { hiddenSize, vocabularySize } = config;
  const shapes = new Map<string, readonly number[]>([
    ["model.embed_tokens.weight", [vocabularySize, hiddenSize]],
  ]);
  for (let layer = 0; layer < config.layerCount; layer++) {
    for (const [name, shape] of layerTensors(config)) shapes.set(`model.layers.${layer}.${name}`, shape);
  }
  shapes.set("model.norm.weight", [hiddenSize]);
  if (!config.tiedEmbeddings) shapes.set("lm_head.weight", [vocabularySize, hiddenSize]);
  return shapes;
}

/** Module names of the linear layers inside decoder layers, in the order of execution. */
export function layerLinearNames(layer: number): string[] {
  const attention = ["q_proj", "k_proj", "v_proj", "o_proj"].map((name) => `self_attn.${name}`);
  const feedForward = ["gate_proj", "up_proj", "down_proj"].map((name) => `mlp.${name}`);
  return [...attention, ...feedForward].map((name) => `model.layers.${layer}.${name}`);
}

function layerTensors(config: ModelConfig): [string, readonly number[]][] {
  const { hiddenSize, intermediateSize, headDimension, attentionBias, feedForwardBias } = config;
  const queryWidth = config.headCount * headDimension;
  const keyValueWidth = config.keyValueHeadCount * headDimension;
  const norms: [string, readonly number[]][] = [
    ["input_layernorm.weight", [hiddenSize]],
    ["post_attention_layernorm.weight", [hiddenSize]],
  ];
  if (config.queryKeyNorm) {
    norms.push(["self_attn.q_norm.weight", [headDimension]], ["self_attn.k_norm.weight", [headDimension]]);
  }
  return [
    ...norms,
    ...linear("self_attn.q_proj", [queryWidth, hiddenSize], attentionBias.queryKeyValue),
    ...linear("self_attn.k_proj", [keyValueWidth, hiddenSize], attentionBias.queryKeyValue),
    ...linear("self_attn.v_proj", [keyValueWidth, hiddenSize], attentionBias.queryKeyValue),
    ...linear("self_attn.o_proj", [hiddenSize, queryWidth], attentionBias.output),
    ...linear("mlp.gate_proj", [intermediateSize, hiddenSize], feedForwardBias),
    ...linear("mlp.up_proj", [intermediateSize, hiddenSize], feedForwardBias),
    ...linear("mlp.down_proj", [hiddenSize, intermediateSize], feedForwardBias),
  ];
}

function linear(
  module: string,
  shape: readonly [number, number],
  hasBias: boolean,
): [string, readonly number[]][] {
  const weight: [string, readonly number[]] = [`${module}.weight`, shape];
  return hasBias ? [weight, [`${module}.bias`, [shape[0]]]] : [weight];
}
