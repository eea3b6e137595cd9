/** @file The `config.json` that the metadata of a GGUF file stands for (llama.cpp `convert_hf_to_gguf.py`, the other way round). */
import type { GgufHeader } from "./header.ts";
import { MetadataReader } from "./metadata.ts";
import { llama3Scaling } from "./rope-frequencies.ts";
import { ROPE_FREQUENCIES } from "./tensor-names.ts";

const architectures: Readonly<Record<string, string>> = {
  llama: "LlamaForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
};

/**
 * Builds the content of config.json; `ropeFrequencies` are the values of the tensor of that name, if the file has it.
 *
 * @throws {BitmendError} `checkpoint/unsupported-gguf` lists what is missing or not supported.
 */
export function configOfMetadata(
  { path, metadata, tensors }: GgufHeader,
  { ropeFrequencies }: { ropeFrequencies: Float32Array | null },
): Record<string, unknown> {
  const reader = new MetadataReader(metadata);
  refuseParts(reader);
  const architecture = reader.string("general.architecture") ?? "none";
  if (!Object.hasOwn(architectures, architecture)) {
    reader.refuse("general.architecture", `is ${JSON.stringify(architecture.slice(0, 60))}`);
    reader.throwIfRefused(path, "a model that is supported");
  }
  const required = (key: string): number => {
    const value = reader.integer(`${architecture}.${key}`);
    if (value === null) reader.missing(`${architecture}.${key}`);
    return value ?? 1;
  };
  const [hiddenSize, headCount] = [required("embedding_length"), required("attention.head_count")];
  const headDimension =
    reader.integer(`${architecture}.attention.key_length`) ?? Math.floor(hiddenSize / headCount);
  refuseUnsupported(reader, { architecture, headDimension });
  const embedding = tensors.get("token_embd.weight");
  if (embedding === undefined) reader.refuse("token_embd.weight", "is missing");
  const maxPositions = required("context_length");
  const config = {
    architectures: [architectures[architecture]],
    model_type: architecture,
    vocab_size: embedding?.shape[0] ?? 1,
    hidden_size: hiddenSize,
    intermediate_size: required("feed_forward_length"),
    num_hidden_layers: required("block_count"),
    num_attention_heads: headCount,
    num_key_value_heads: reader.integer(`${architecture}.attention.head_count_kv`) ?? headCount,
    head_dim: headDimension,
    hidden_act: "silu",
    rms_norm_eps: shortest(reader.number(`${architecture}.attention.layer_norm_rms_epsilon`) ?? 1e-5),
    rope_theta: shortest(reader.number(`${architecture}.rope.freq_base`) ?? 10_000),
    rope_scaling: ropeScaling(reader, { architecture, ropeFrequencies, maxPositions }),
    max_position_embeddings: maxPositions,
    tie_word_embeddings: !tensors.has("output.weight"),
    attention_bias: architecture !== "qwen2" && tensors.has("blk.0.attn_q.bias"),
    mlp_bias: tensors.has("blk.0.ffn_gate.bias"),
    bos_token_id: reader.tokenId("bos"),
    eos_token_id: endTokenIds(reader),
    torch_dtype: "float32",
  };
  reader.throwIfRefused(path, "a model that is supported");
  return config;
}

/** Ids that end a text, a turn or a message, those that the file names. */
export function endTokenIds(reader: MetadataReader): number[] {
  return ["eos", "eot", "eom"].flatMap((name) => reader.tokenId(name) ?? []);
}

function refuseParts(reader: MetadataReader): void {
  const parts = reader.integer("split.count") ?? 1;
  if (parts > 1) {
    reader.refuse("split.count", `is ${parts}: join the parts with llama-gguf-split --merge first`);
  }
}

function refuseUnsupported(
  reader: MetadataReader,
  { architecture, headDimension }: { architecture: string; headDimension: number },
): void {
  for (const key of ["attention.value_length", "rope.dimension_count"]) {
    const size = reader.integer(`${architecture}.${key}`) ?? headDimension;
    if (size !== headDimension)
      reader.refuse(`${architecture}.${key}`, `is ${size}, expected the key length ${headDimension}`);
  }
  for (const key of ["expert_count", "attention.sliding_window"]) {
    const size = reader.integer(`${architecture}.${key}`) ?? 0;
    if (size > 0) reader.refuse(`${architecture}.${key}`, `is ${size}, which is not supported`);
  }
}

/** `rope_scaling` of config.json, null for none. */
function ropeScaling(
  reader: MetadataReader,
  {
    architecture,
    ropeFrequencies,
    maxPositions,
  }: { architecture: string; ropeFrequencies: Float32Array | null; maxPositions: number },
): Record<string, unknown> | null {
  const scaling = `${architecture}.rope.scaling`;
  const type = reader.string(`${scaling}.type`) ?? "none";
  const factor = reader.number(`${scaling}.factor`) ?? 1;
  if (ropeFrequencies !== null) {
    const theta = reader.number(`${architecture}.rope.freq_base`) ?? 10_000;
    const found = type === "none" ? llama3Scaling(ropeFrequencies, theta) : null;
    if (found === null)
      reader.refuse(ROPE_FREQUENCIES, "holds divisors that are not those of llama3 scaling");
    return found;
  }
  if (type === "none" || (type === "linear" && factor === 1)) return null;
  if (type === "linear") return { rope_type: "linear", factor: shortest(factor) };
  if (type !== "yarn") {
    reader.refuse(
      `${scaling}.type`,
      `is ${JSON.stringify(type.slice(0, 60))} (none, linear and yarn are supported)`,
    );
    return null;
  }
  for (const [key, usual] of [
    ["yarn_ext_factor", 1],
    ["yarn_attn_factor", 1],
    ["yarn_beta_fast", 32],
    ["yarn_beta_slow", 1],
  ] as const) {
    const value = reader.number(`${scaling}.${key}`) ?? usual;
    if (value !== usual)
      reader.refuse(`${scaling}.${key}`, `is ${value}, which is not supported (${usual} is)`);
  }
  const attentionFactor = reader.number(`${scaling}.attn_factor`) ?? 1;
  return {
    rope_type: "yarn",
    factor: shortest(factor),
    original_max_position_embeddings: reader.integer(`${scaling}.original_context_length`) ?? maxPositions,
    // llama.cpp multiplies by the factor of the paper itself.
    ...(attentionFactor === 1 ? {} : { attention_factor: attentionFactor * (0.1 * Math.log(factor) + 1) }),
  };
}

/** The shortest decimal that is this float32: 1e-6 rather than 0.000000999999997. */
function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === Math.fround(value)) return rounded;
  }
  return value;
}
