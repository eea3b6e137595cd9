/**
 * @file Writes models of real shapes with random weights: what time and memory are measured on where no trained model is at hand.
 *
 *     node bench/shapes.ts qwen3-0.6b DIRECTORY [--layers 28]      1.2 GB
 *     node bench/shapes.ts llama-3.1-8b DIRECTORY [--layers 32]   16.1 GB
 *
 * Weights are bf16, normal with a standard deviation of 0.02 (`initializer_range` of both), norm gains 1: activations keep the size they have at
 * the start of a training. Equal arguments give equal bytes. One file a layer, one tensor in memory at a time. The tokenizer comes from
 * ../shared/data where that is there.
 */
/* oxlint-disable eslint/no-bitwise -- a generator of 16 bits a weight, fast enough for eight billion */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { float32ToBfloat16 } from "../src/checkpoint/half-floats.ts";
import { parseModelConfig } from "../src/checkpoint/model-config.ts";
import { FILE_METADATA, writeConfig } from "../src/checkpoint/model-directory.ts";
import { writeSafetensors } from "../src/checkpoint/safetensors.ts";
import { parameterSites, type ParameterSite } from "../src/models/parameter-sites.ts";
import { LLAMA_3, QWEN_2, tokenizerFromRanks } from "../src/tokenizer/tiktoken.ts";
import { randomStream } from "../src/util/random.ts";

const deviation = 0.02;
const dataFolder = join(import.meta.dirname, "../../shared/data/tokenizers");

const shared = {
  attention_bias: false,
  attention_dropout: 0,
  hidden_act: "silu",
  initializer_range: 0.02,
  torch_dtype: "bfloat16",
  use_cache: true,
};

/** config.json as published, and the tokenizer. */
const shapes = {
  /** https://huggingface.co/Qwen/Qwen3-0.6B/blob/main/config.json */
  "qwen3-0.6b": {
    config: {
      ...shared,
      architectures: ["Qwen3ForCausalLM"],
      bos_token_id: 151_643,
      eos_token_id: 151_645,
      head_dim: 128,
      hidden_size: 1024,
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
      use_sliding_window: false,
      vocab_size: 151_936,
    },
    tokenizer: {
      ranks: "qwen/qwen.tiktoken",
      family: QWEN_2,
      tokenizerClass: "Qwen2Tokenizer",
      end: "<|im_end|>",
    },
  },
  /** https://huggingface.co/meta-llama/Llama-3.1-8B/blob/main/config.json */
  "llama-3.1-8b": {
    config: {
      ...shared,
      architectures: ["LlamaForCausalLM"],
      bos_token_id: 128_000,
      eos_token_id: 128_001,
      hidden_size: 4096,
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
        high_freq_factor: 4,
        low_freq_factor: 1,
        original_max_position_embeddings: 8192,
        rope_type: "llama3",
      },
      rope_theta: 500_000,
      tie_word_embeddings: false,
      vocab_size: 128_256,
    },
    tokenizer: {
      ranks: "llama3/tokenizer.model",
      family: LLAMA_3,
      tokenizerClass: "PreTrainedTokenizerFast",
      end: "<|end_of_text|>",
    },
  },
} as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { layers: { type: "string" } },
});
const [name, directory] = positionals;
if (name === undefined || !isShape(name) || directory === undefined) {
  throw new Error(
    `expected one of ${Object.keys(shapes).join(", ")} and a directory, got ${positionals.join(" ")}`,
  );
}
const shape = shapes[name];
const normals = normalTable();
const layers = Number(values.layers ?? shape.config.num_hidden_layers);
const config = { ...shape.config, num_hidden_layers: layers };
mkdirSync(directory, { recursive: true });
writeWeights(directory);
writeTokenizer(directory);
writeConfig(directory, config);

function isShape(text: string): text is keyof typeof shapes {
  return text in shapes;
}

function writeWeights(target: string): void {
  const sites = parameterSites(parseModelConfig(config, "shapes.ts"));
  const files = [
    ...Map.groupBy(sites, (site) => /layers\.(?<layer>\d+)\./u.exec(site.name)?.groups?.["layer"] ?? ""),
  ];
  const weightMap: Record<string, string> = {};
  let totalBytes = 0;
  for (const [index, [, members]] of files.entries()) {
    const [number, count] = [index + 1, files.length].map((value) => String(value).padStart(5, "0"));
    const file = `model-${number}-of-${count}.safetensors`;
    for (const site of members) {
      weightMap[site.name] = file;
      totalBytes += 2 * elements(site);
    }
    writeSafetensors(
      join(target, file),
      members.map((site) => ({ ...site, dataType: "BF16" as const, data: () => randomBytes(site) })),
      FILE_METADATA,
    );
  }
  const content = { metadata: { total_size: totalBytes }, weight_map: weightMap };
  writeFileSync(join(target, "model.safetensors.index.json"), `${JSON.stringify(content, null, 2)}\n`);
}

function elements(site: ParameterSite): number {
  return site.shape.reduce((product, size) => product * size, 1);
}

/** bf16 patterns of a tensor: ones for a norm gain; else draws from 65,536 normal values, which a generator of 32 bits chooses two at a time. */
function randomBytes(site: ParameterSite): Uint8Array {
  const bits = new Uint16Array(elements(site));
  if (site.shape.length === 1) bits.fill(float32ToBfloat16(Float32Array.of(1))[0]!);
  else fillNormal(bits, Math.floor(randomStream(1, site.name).next() * 2 ** 32));
  return new Uint8Array(bits.buffer);
}

/** Mulberry32 (Tommy Ettinger). */
function fillNormal(bits: Uint16Array, seed: number): void {
  let state = seed;
  for (let index = 0; index < bits.length; index += 2) {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    mixed ^= mixed >>> 14;
    bits[index] = normals[mixed & 0xff_ff]!;
    bits[index + 1] = normals[mixed >>> 16]!;
  }
}

/** Normal draws as bf16, their mean moved to 0. */
function normalTable(): Uint16Array {
  const random = randomStream(1, "normal table");
  const draws = Float32Array.from({ length: 2 ** 16 }, () => random.normal() * deviation);
  const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
  return float32ToBfloat16(draws.map((value) => value - mean));
}

function writeTokenizer(target: string): void {
  const { ranks, family, tokenizerClass, end } = shape.tokenizer;
  if (!existsSync(join(dataFolder, ranks))) {
    console.log(`no tokenizer: ${ranks} is not in ../shared/data`);
    return;
  }
  const tokenizer = tokenizerFromRanks(readFileSync(join(dataFolder, ranks), "utf8"), family);
  writeFileSync(join(target, "tokenizer.json"), JSON.stringify(tokenizer));
  const settings = {
    tokenizer_class: tokenizerClass,
    bos_token: null,
    eos_token: end,
    pad_token: end,
    unk_token: null,
  };
  writeFileSync(join(target, "tokenizer_config.json"), `${JSON.stringify(settings, null, 1)}\n`);
}
