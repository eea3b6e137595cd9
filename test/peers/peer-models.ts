import { float32ToBfloat16 } from "../../src/checkpoint/half-floats.ts";
import { parseModelConfig } from "../../src/checkpoint/model-config.ts";
import { writeModelDirectory } from "../../src/checkpoint/model-directory.ts";
import { parameterSites } from "../../src/models/parameter-sites.ts";
import { writePocketTokenizer } from "../../src/tasks/pocket/write-pocket-tokenizer.ts";
import { randomStream } from "../../src/util/random.ts";

/** Widths that every format takes: rows of 256 (K-quants), groups of 32, 64 and 128. */
const shape = {
  vocab_size: 704,
  hidden_size: 256,
  intermediate_size: 512,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 64,
  hidden_act: "silu",
  rms_norm_eps: 1e-6,
  max_position_embeddings: 256,
  torch_dtype: "bfloat16",
  bos_token_id: null,
  eos_token_id: 696,
  pad_token_id: 693,
};

/** Rope scaling is made to matter within a few dozen positions: a small original context and a small base. */
const llama3Scaling = {
  rope_type: "llama3",
  factor: 4,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 16,
};

const configs = {
  llama: {
    ...shape,
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    rope_theta: 500,
    rope_scaling: llama3Scaling,
    tie_word_embeddings: false,
    attention_bias: false,
    mlp_bias: false,
  },
  qwen2: {
    ...shape,
    architectures: ["Qwen2ForCausalLM"],
    model_type: "qwen2",
    rope_theta: 10_000,
    rope_scaling: null,
    tie_word_embeddings: true,
    use_sliding_window: false,
  },
  qwen3: {
    ...shape,
    architectures: ["Qwen3ForCausalLM"],
    model_type: "qwen3",
    rope_theta: 10_000,
    rope_scaling: null,
    tie_word_embeddings: true,
    attention_bias: false,
    use_sliding_window: false,
  },
} as const;

export type PeerFamily = keyof typeof configs;

export const peerFamilies = Object.keys(configs) as readonly PeerFamily[];

/**
 * Writes a random model of `family` with the pocket tokenizer, weights in BF16.
 *
 * Biases and differences between gains are large enough that a part that is left out shows in the logits. Embeddings are no larger than what
 * the layers add, else a model with a tied head says each token again.
 */
export function writePeerModel(directory: string, family: PeerFamily): void {
  const config = configs[family];
  const parsed = parseModelConfig(config, "config.json");
  const tensors = parameterSites(parsed).map(({ name, shape: size }) => {
    const random = randomStream(1, `${family} ${name}`);
    const length = size.reduce((product, extent) => product * extent, 1);
    const spread =
      size.length === 1 ? 0.2 : (name.startsWith("model.layers") ? 1 : 4) / Math.sqrt(size.at(-1)!);
    const center = name.endsWith("norm.weight") ? 1 : 0;
    const values = Float32Array.from({ length }, () => center + spread * random.normal());
    const data = new Uint8Array(float32ToBfloat16(values).buffer);
    return { name, shape: size, dataType: "BF16" as const, data };
  });
  writeModelDirectory(directory, { config, tensors });
  writePocketTokenizer(directory);
}

function randomSequence(name: string, length: number): number[] {
  const random = randomStream(1, name);
  return Array.from({ length }, () => random.integer(690));
}

/** What readers of a random model are asked. */
export const questions = {
  sequences: [
    ...Array.from({ length: 16 }, (_, index) => randomSequence(`short sequence ${index}`, 4)),
    randomSequence("sequence", 64),
  ],
  prompts: [randomSequence("prompt", 12), randomSequence("other prompt", 20)],
  maxNewTokens: 64,
};

/** Token ids for writers that calibrate. */
export const calibrationSequences = Array.from({ length: 16 }, (_, index) =>
  randomSequence(`calibration ${index}`, 96),
);
