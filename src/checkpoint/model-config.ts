/**
 * @file `config.json` of the model types bitmend runs: llama, qwen2 and qwen3, with the defaults of the transformers library
 * (`configuration_{llama,qwen2,qwen3}.py`).
 *
 * What would change the computation and is not implemented is refused by name; keys that do not (dropout, cache, versions...) are ignored.
 */
import { BitmendError } from "../util/errors.ts";
import { ConfigReader } from "./config-reader.ts";
import { isJsonObject } from "./json-file.ts";
import { parseRopeConfig, type RopeConfig } from "./rope-config.ts";

const MODEL_TYPES = ["llama", "qwen2", "qwen3"] as const;
type ModelType = (typeof MODEL_TYPES)[number];

/** Everything that shapes the computation of a decoder. */
export interface ModelConfig {
  readonly modelType: ModelType;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layerCount: number;
  /** Query heads; a multiple of `keyValueHeadCount`. */
  readonly headCount: number;
  readonly keyValueHeadCount: number;
  /** Even: rotary embeddings turn pairs. */
  readonly headDimension: number;
  readonly rmsNormEpsilon: number;
  readonly rope: RopeConfig;
  /** Longest sequence the model was made for, prompt included. */
  readonly maxPositions: number;
  /** The output head is the embedding matrix. */
  readonly tiedEmbeddings: boolean;
  readonly attentionBias: { readonly queryKeyValue: boolean; readonly output: boolean };
  readonly feedForwardBias: boolean;
  /** RMS norm over each head of queries and keys (Qwen3). */
  readonly queryKeyNorm: boolean;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
}

/** Sizes no real model has: a bound on the work a hostile file can ask for. */
const MAX_LAYERS = 4096;

const DEFAULTS = {
  llama: {
    vocabulary: 32_000,
    intermediate: 11_008,
    maxPositions: 2048,
    headDimension: null,
    bos: 1,
    eos: 2,
  },
  qwen2: {
    vocabulary: 151_936,
    intermediate: 22_016,
    maxPositions: 32_768,
    headDimension: null,
    bos: null,
    eos: null,
  },
  qwen3: {
    vocabulary: 151_936,
    intermediate: 22_016,
    maxPositions: 32_768,
    headDimension: 128,
    bos: null,
    eos: null,
  },
} as const;

/** Keys whose presence means a mixture of experts. */
const EXPERT_KEYS = [
  "num_experts",
  "num_local_experts",
  "n_routed_experts",
  "num_experts_per_tok",
  "moe_intermediate_size",
];

/**
 * Reads a parsed `config.json`; `where` is its path, for messages.
 *
 * @throws {BitmendError} `checkpoint/unsupported-config` names every key that is unsupported or wrong.
 */
export function parseModelConfig(json: unknown, where: string): ModelConfig {
  const reader = new ConfigReader(isJsonObject(json) ? json : {});
  const modelType = MODEL_TYPES.find((type) => type === reader.value("model_type"));
  if (modelType === undefined) {
    reader.refuse(
      "model_type",
      `expected ${MODEL_TYPES.join(", ")}, got ${JSON.stringify(reader.value("model_type"))}`,
    );
    throw unsupported(where, reader);
  }
  const config = readConfig(reader, modelType);
  refuseUnsupported(reader, config);
  if (reader.complaints.length > 0) throw unsupported(where, reader);
  return config;
}

function readConfig(reader: ConfigReader, modelType: ModelType): ModelConfig {
  const defaults = DEFAULTS[modelType];
  const hiddenSize = reader.integer("hidden_size", { fallback: 4096 });
  const headCount = reader.integer("num_attention_heads", { fallback: 32 });
  const maxPositions = reader.integer("max_position_embeddings", { fallback: defaults.maxPositions });
  const attentionBias = reader.boolean("attention_bias", false);
  return {
    modelType,
    vocabularySize: reader.integer("vocab_size", { fallback: defaults.vocabulary }),
    hiddenSize,
    intermediateSize: reader.integer("intermediate_size", { fallback: defaults.intermediate }),
    layerCount: reader.integer("num_hidden_layers", { fallback: 32, most: MAX_LAYERS }),
    headCount,
    // transformers: llama falls back to plain multi-head attention, the Qwen configurations to 32.
    keyValueHeadCount: reader.integer("num_key_value_heads", {
      fallback: modelType === "llama" ? headCount : 32,
    }),
    headDimension: reader.integer("head_dim", {
      fallback: defaults.headDimension ?? Math.floor(hiddenSize / headCount),
    }),
    rmsNormEpsilon: reader.nonNegative("rms_norm_eps", 1e-6),
    rope: parseRopeConfig(reader, { maxPositions }),
    maxPositions,
    tiedEmbeddings: reader.boolean("tie_word_embeddings", false),
    attentionBias:
      modelType === "qwen2"
        ? { queryKeyValue: true, output: false }
        : { queryKeyValue: attentionBias, output: attentionBias },
    feedForwardBias: modelType === "llama" && reader.boolean("mlp_bias", false),
    queryKeyNorm: modelType === "qwen3",
    bosTokenId: tokenIds(reader, "bos_token_id", defaults.bos)[0] ?? null,
    eosTokenIds: tokenIds(reader, "eos_token_id", defaults.eos),
  };
}

function refuseUnsupported(reader: ConfigReader, config: ModelConfig): void {
  const activation = reader.value("hidden_act") ?? "silu";
  if (activation !== "silu")
    reader.refuse("hidden_act", `${JSON.stringify(activation)} is not supported (silu is)`);
  for (const key of EXPERT_KEYS) {
    if (reader.value(key) !== null) reader.refuse(key, "mixtures of experts are not supported");
  }
  refuseSlidingWindow(reader, config);
  if (config.headCount % config.keyValueHeadCount !== 0) {
    reader.refuse(
      "num_key_value_heads",
      `expected a divisor of num_attention_heads=${config.headCount}, got ${config.keyValueHeadCount}`,
    );
  }
  if (config.headDimension % 2 !== 0 || config.headDimension < 1) {
    reader.refuse("head_dim", `expected an even number, got ${config.headDimension}`);
  }
}

/** A window is active in the layers of `layer_types`, or from `max_window_layers` on when `use_sliding_window` says so. */
function refuseSlidingWindow(reader: ConfigReader, { modelType, layerCount }: ModelConfig): void {
  const layerTypes = reader.value("layer_types");
  if (layerTypes !== null) {
    const allFull = Array.isArray(layerTypes) && layerTypes.every((type) => type === "full_attention");
    if (!allFull) reader.refuse("layer_types", "only full_attention layers are supported");
    return;
  }
  // transformers ignores sliding_window of a llama; a file that sets it was made for something else.
  const active = reader.boolean("use_sliding_window", modelType === "llama");
  if (!active || reader.value("sliding_window") === null) return;
  const firstWindowedLayer = modelType === "llama" ? 0 : (reader.value("max_window_layers") ?? 28);
  if (typeof firstWindowedLayer !== "number" || firstWindowedLayer < layerCount) {
    reader.refuse("sliding_window", "an active sliding window is not supported");
  }
}

function tokenIds(reader: ConfigReader, key: string, fallback: number | null): number[] {
  const value = reader.value(key) ?? fallback ?? [];
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  if (ids.length <= 1000 && ids.every(isTokenId)) return ids;
  reader.refuse(key, "expected a token id or a list of token ids");
  return [];
}

function isTokenId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 2_147_483_647;
}

function unsupported(where: string, { complaints }: ConfigReader): BitmendError {
  return new BitmendError(
    "checkpoint/unsupported-config",
    `parseModelConfig(): ${where}: expected a supported model, got ${complaints.join("; ")}.`,
    { hint: "bitmend runs dense llama, qwen2 and qwen3 models with full attention." },
  );
}
