/** @file The metadata by which llama.cpp knows a model's shape (gguf-py `constants.py`, `convert_hf_to_gguf.py`). */
import type { ModelConfig } from "../../model-config.ts";
import type { RopeConfig } from "../../rope-config.ts";
import type { GgufField } from "./metadata.ts";

/** Keys and values of a model, without tokenizer and file type. */
export function metadataOfConfig(config: ModelConfig): GgufField[] {
  const { modelType: architecture } = config;
  const integer = (key: string, value: number): GgufField => ({
    key: `${architecture}.${key}`,
    type: "u32",
    value,
  });
  const float = (key: string, value: number): GgufField => ({
    key: `${architecture}.${key}`,
    type: "f32",
    value,
  });
  return [
    { key: "general.architecture", type: "string", value: architecture },
    { key: "general.type", type: "string", value: "model" },
    integer("block_count", config.layerCount),
    integer("context_length", config.maxPositions),
    integer("embedding_length", config.hiddenSize),
    integer("feed_forward_length", config.intermediateSize),
    integer("attention.head_count", config.headCount),
    integer("attention.head_count_kv", config.keyValueHeadCount),
    integer("attention.key_length", config.headDimension),
    integer("attention.value_length", config.headDimension),
    float("attention.layer_norm_rms_epsilon", config.rmsNormEpsilon),
    integer("rope.dimension_count", config.headDimension),
    float("rope.freq_base", config.rope.theta),
    ...ropeScaling(config.rope, { architecture }),
    integer("vocab_size", config.vocabularySize),
  ];
}

/** What of a model llama.cpp has no place for, in words. */
export function unsupportedByGguf({ modelType, attentionBias, rope }: ModelConfig): string[] {
  const reasons: string[] = [];
  if (modelType === "qwen3" && attentionBias.queryKeyValue)
    reasons.push("llama.cpp gives a qwen3 no attention biases");
  if (rope.type === "dynamic") reasons.push("GGUF has no dynamic rotary scaling");
  if (rope.type === "yarn" && (rope.betaFast !== 32 || rope.betaSlow !== 1 || !rope.truncate)) {
    reasons.push("GGUF has YaRN with beta_fast 32, beta_slow 1 and whole dimensions only");
  }
  return reasons;
}

function ropeScaling(rope: RopeConfig, { architecture }: { architecture: string }): GgufField[] {
  if (rope.type !== "linear" && rope.type !== "yarn") return [];
  const key = (name: string): string => `${architecture}.rope.scaling.${name}`;
  const fields: GgufField[] = [
    { key: key("type"), type: "string", value: rope.type },
    { key: key("factor"), type: "f32", value: rope.factor },
  ];
  if (rope.type === "linear") return fields;
  fields.push({ key: key("original_context_length"), type: "u32", value: rope.originalMaxPositions });
  // llama.cpp multiplies by the factor of the paper itself.
  const multiplier = rope.attentionFactor / (rope.factor <= 1 ? 1 : 0.1 * Math.log(rope.factor) + 1);
  if (Math.abs(multiplier - 1) > 1e-6)
    fields.push({ key: key("attn_factor"), type: "f32", value: multiplier });
  return fields;
}
