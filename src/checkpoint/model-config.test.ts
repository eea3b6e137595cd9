import { describe, expect, it } from "vitest";
import { parseModelConfig } from "./model-config.ts";

/** As published: meta-llama/Llama-3.1-8B-Instruct. */
const llama31 = {
  architectures: ["LlamaForCausalLM"],
  attention_bias: false,
  attention_dropout: 0,
  bos_token_id: 128_000,
  eos_token_id: [128_001, 128_008, 128_009],
  hidden_act: "silu",
  hidden_size: 4096,
  initializer_range: 0.02,
  intermediate_size: 14_336,
  max_position_embeddings: 131_072,
  mlp_bias: false,
  model_type: "llama",
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  pretraining_tp: 1,
  rms_norm_eps: 1e-5,
  rope_scaling: {
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
    rope_type: "llama3",
  },
  rope_theta: 500_000,
  tie_word_embeddings: false,
  torch_dtype: "bfloat16",
  transformers_version: "4.42.3",
  use_cache: true,
  vocab_size: 128_256,
};

/** As published: Qwen/Qwen2.5-0.5B-Instruct. */
const qwen25 = {
  architectures: ["Qwen2ForCausalLM"],
  attention_dropout: 0,
  bos_token_id: 151_643,
  eos_token_id: 151_645,
  hidden_act: "silu",
  hidden_size: 896,
  initializer_range: 0.02,
  intermediate_size: 4864,
  max_position_embeddings: 32_768,
  max_window_layers: 21,
  model_type: "qwen2",
  num_attention_heads: 14,
  num_hidden_layers: 24,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  sliding_window: 32_768,
  tie_word_embeddings: true,
  torch_dtype: "bfloat16",
  transformers_version: "4.43.1",
  use_cache: true,
  use_sliding_window: false,
  vocab_size: 151_936,
};

/** As published: Qwen/Qwen3-0.6B. */
const qwen3 = {
  architectures: ["Qwen3ForCausalLM"],
  attention_bias: false,
  attention_dropout: 0,
  bos_token_id: 151_643,
  eos_token_id: 151_645,
  head_dim: 128,
  hidden_act: "silu",
  hidden_size: 1024,
  initializer_range: 0.02,
  intermediate_size: 3072,
  max_position_embeddings: 40_960,
  max_window_layers: 28,
  model_type: "qwen3",
  num_attention_heads: 16,
  num_hidden_layers: 28,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-6,
  rope_scaling: null,
  rope_theta: 1_000_000,
  sliding_window: null,
  tie_word_embeddings: true,
  torch_dtype: "bfloat16",
  transformers_version: "4.51.0",
  use_cache: true,
  use_sliding_window: false,
  vocab_size: 151_936,
};

describe("published configurations", () => {
  it("reads Llama 3.1", () => {
    expect(parseModelConfig(llama31, "config.json")).toMatchObject({
      headDimension: 128,
      attentionBias: { queryKeyValue: false, output: false },
      queryKeyNorm: false,
      eosTokenIds: [128_001, 128_008, 128_009],
      rope: { type: "llama3", theta: 500_000, factor: 8, originalMaxPositions: 8192 },
    });
  });

  it("reads Qwen 2.5, with YaRN as its model card asks for long texts", () => {
    expect(parseModelConfig(qwen25, "config.json")).toMatchObject({
      headDimension: 64,
      attentionBias: { queryKeyValue: true, output: false },
      tiedEmbeddings: true,
      rope: { type: "default", theta: 1_000_000 },
    });
    const yarn = { factor: 4, original_max_position_embeddings: 32_768, type: "yarn" };
    expect(parseModelConfig({ ...qwen25, rope_scaling: yarn }, "config.json").rope).toMatchObject({
      type: "yarn",
      theta: 1_000_000,
      betaFast: 32,
      attentionFactor: 0.1 * Math.log(4) + 1,
    });
  });

  it("reads Qwen 3, old and new style alike", () => {
    const { rope_theta: theta, rope_scaling: _, ...rest } = qwen3;
    const config = parseModelConfig(qwen3, "config.json");
    expect(config).toMatchObject({
      headDimension: 128,
      queryKeyNorm: true,
      headCount: 16,
      keyValueHeadCount: 8,
    });
    const newStyle = {
      ...rest,
      dtype: "bfloat16",
      rope_parameters: { rope_theta: theta, rope_type: "default" },
    };
    const layerTypes = Array.from({ length: 28 }, () => "full_attention");
    expect(parseModelConfig({ ...newStyle, layer_types: layerTypes }, "config.json")).toEqual(config);
  });
});

describe("what is not supported is refused by name", () => {
  it.each([
    ["model_type", { model_type: "mistral" }],
    ["hidden_act", { hidden_act: "gelu" }],
    ["sliding_window", { use_sliding_window: true, sliding_window: 4096, max_window_layers: 4 }],
    ["sliding_window", { model_type: "llama", sliding_window: 4096, use_sliding_window: undefined }],
    ["layer_types", { layer_types: ["full_attention", "sliding_attention"] }],
    ["num_experts", { num_experts: 128 }],
    ["num_local_experts", { num_local_experts: 8 }],
    ["rope_scaling.rope_type", { rope_scaling: { rope_type: "longrope", factor: 4 } }],
    ["rope_scaling.factor", { rope_scaling: { rope_type: "yarn" } }],
    [
      "rope_scaling.high_freq_factor",
      { rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 1 } },
    ],
    ["rope_parameters", { rope_scaling: null, rope_parameters: { full_attention: { rope_theta: 1 } } }],
    ["partial_rotary_factor", { partial_rotary_factor: 0.5 }],
    ["head_dim", { head_dim: 127 }],
    ["num_key_value_heads", { num_key_value_heads: 5 }],
    ["num_hidden_layers", { num_hidden_layers: 1e12 }],
    ["hidden_size", { hidden_size: "1024" }],
    ["eos_token_id", { eos_token_id: "</s>" }],
    ["rms_norm_eps", { rms_norm_eps: -1 }],
  ])("%s", (key, change) => {
    const parse = (): unknown => parseModelConfig({ ...qwen3, ...change }, "config.json");
    expect(parse).toThrow(expect.objectContaining({ code: "checkpoint/unsupported-config" }));
    expect(parse).toThrow(`${key}: `);
  });

  it("names all of them at once", () => {
    const json = { ...qwen3, hidden_act: "gelu", num_experts: 8 };
    expect(() => parseModelConfig(json, "config.json")).toThrow(/hidden_act: .*num_experts: /u);
  });

  it("but not a window that is inactive", () => {
    const inactive = { use_sliding_window: true, sliding_window: 4096, max_window_layers: 28 };
    expect(parseModelConfig({ ...qwen3, ...inactive }, "config.json").layerCount).toBe(28);
  });
});
