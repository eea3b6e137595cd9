/**
 * @file The subject as a GGUF file with Q4_0 matrices, for llama.cpp.
 *
 * Layout: {@link https://github.com/ggml-org/ggml/blob/master/docs/gguf.md}; block_q4_0 of ggml-common.h: fp16 scale, 16 bytes with
 * element j in the low and element j + 16 in the high half of byte j.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { float32ToFloat16 } from "../../src/checkpoint/half-floats.ts";
import type { ModelConfig } from "../../src/checkpoint/model-config.ts";
import type { QuantizedMatrix } from "../../src/checkpoint/quantized-matrix.ts";
import { parameterSites } from "../../src/models/parameter-sites.ts";
import { subjectMatrices } from "./subject.ts";

const ALIGNMENT = 32;
const BLOCK = 32;
const BLOCK_BYTES = 18;
const types = { u32: 4, i32: 5, f32: 6, string: 8, array: 9 };
const tensorTypes = { f32: 0, q4_0: 2 };

const names: readonly (readonly [RegExp, string])[] = [
  [/^model\.embed_tokens\./u, "token_embd."],
  [/^model\.norm\./u, "output_norm."],
  [/^model\.layers\./u, "blk."],
  [/self_attn\.([qk])_norm/u, "attn_$1_norm"],
  [/self_attn\.([qkv])_proj/u, "attn_$1"],
  [/self_attn\.o_proj/u, "attn_output"],
  [/mlp\.(\w+)_proj/u, "ffn_$1"],
  [/input_layernorm/u, "attn_norm"],
  [/post_attention_layernorm/u, "ffn_norm"],
];

/** Writes the file; a vocabulary of made-up words stands in for a tokenizer, which the measurement never uses. */
export function writeGguf(path: string, config: ModelConfig): void {
  const matrices = subjectMatrices(config);
  const tensors = parameterSites(config).map(({ name, shape }) => {
    const elements = shape.reduce((product, size) => product * size, 1);
    const isMatrix = shape.length === 2;
    return {
      name: names.reduce((renamed, [pattern, replacement]) => renamed.replace(pattern, replacement), name),
      shape: shape.toReversed(),
      type: isMatrix ? tensorTypes.q4_0 : tensorTypes.f32,
      byteLength: isMatrix ? (elements / BLOCK) * BLOCK_BYTES : elements * 4,
      bytes: (): Uint8Array =>
        isMatrix
          ? packBlocks(matrices.get(name.replace(/\.weight$/u, ""))!())
          : new Uint8Array(new Float32Array(elements).fill(1).buffer),
    };
  });
  const metadata = metadataOf(config);
  let offset = 0;
  const infos = tensors.map(({ name, shape, type, byteLength }) => {
    const info = [text(name), u32(shape.length), ...shape.map((size) => u64(size)), u32(type), u64(offset)];
    offset += aligned(byteLength);
    return Buffer.concat(info);
  });
  const head = Buffer.concat([
    Buffer.from("GGUF"),
    u32(3),
    u64(tensors.length),
    u64(metadata.length),
    ...metadata,
    ...infos,
  ]);
  const file = openSync(path, "w");
  try {
    writeSync(file, padded(head));
    for (const { bytes } of tensors) writeSync(file, padded(bytes()));
  } finally {
    closeSync(file);
  }
}

function metadataOf(config: ModelConfig): Buffer[] {
  const words = Array.from({ length: config.vocabularySize }, (_, index) => `w${index}`);
  const field = (key: string, type: number, value: Buffer): Buffer =>
    Buffer.concat([text(key), u32(type), value]);
  const integer = (key: string, value: number): Buffer => field(key, types.u32, u32(value));
  const array = (key: string, type: number, items: readonly Buffer[]): Buffer =>
    field(key, types.array, Buffer.concat([u32(type), u64(items.length), ...items]));
  return [
    field("general.architecture", types.string, text("qwen3")),
    field("general.name", types.string, text("bitmend bench")),
    integer("general.file_type", tensorTypes.q4_0),
    integer("general.quantization_version", 2),
    integer("qwen3.context_length", config.maxPositions),
    integer("qwen3.embedding_length", config.hiddenSize),
    integer("qwen3.block_count", config.layerCount),
    integer("qwen3.feed_forward_length", config.intermediateSize),
    integer("qwen3.attention.head_count", config.headCount),
    integer("qwen3.attention.head_count_kv", config.keyValueHeadCount),
    integer("qwen3.attention.key_length", config.headDimension),
    integer("qwen3.attention.value_length", config.headDimension),
    field("qwen3.attention.layer_norm_rms_epsilon", types.f32, f32(config.rmsNormEpsilon)),
    field("qwen3.rope.freq_base", types.f32, f32(config.rope.theta)),
    field("tokenizer.ggml.model", types.string, text("gpt2")),
    field("tokenizer.ggml.pre", types.string, text("qwen2")),
    array("tokenizer.ggml.tokens", types.string, words.map(text)),
    array(
      "tokenizer.ggml.token_type",
      types.i32,
      words.map(() => u32(1)),
    ),
    array("tokenizer.ggml.merges", types.string, [text("w 1")]),
    integer("tokenizer.ggml.eos_token_id", 0),
  ];
}

function packBlocks({ codes, scales }: QuantizedMatrix): Uint8Array {
  const packed = new Uint8Array((codes.length / BLOCK) * BLOCK_BYTES);
  const halves = new Uint8Array(float32ToFloat16(scales).buffer);
  for (let block = 0; block < scales.length; block++) {
    packed.set(halves.subarray(2 * block, 2 * block + 2), block * BLOCK_BYTES);
    for (let element = 0; element < BLOCK / 2; element++) {
      const low = codes[block * BLOCK + element]!;
      const high = codes[block * BLOCK + element + BLOCK / 2]!;
      packed[block * BLOCK_BYTES + 2 + element] = low + 16 * high;
    }
  }
  return packed;
}

function aligned(byteLength: number): number {
  return Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(aligned(bytes.length));
  whole.set(bytes);
  return whole;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}
