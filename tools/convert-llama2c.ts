/**
 * @file Converts a llama2.c v0 checkpoint and its tokenizer ({@link https://github.com/karpathy/llama2.c}, `export.py`,
 * `tokenizer.py`) to a Hugging Face directory.
 *
 *     node tools/convert-llama2c.ts stories260K.bin tok512.bin directory
 *
 * Two things differ besides names: llama2.c turns neighbouring pairs of a head, Hugging Face the two halves, so the rows of the query
 * and key projections are reordered; and SentencePiece scores become a list of merges.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { float32ToBfloat16 } from "../src/checkpoint/half-floats.ts";
import { writeSafetensors, type TensorToWrite } from "../src/checkpoint/safetensors.ts";
import { writeFileAtomically } from "../src/util/atomic-file.ts";
import { BitmendError } from "../src/util/errors.ts";

interface Llama2cHeader {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  readonly keyValueHeadCount: number;
  readonly vocabularySize: number;
  readonly maxPositions: number;
  readonly tiedEmbeddings: boolean;
}

const HEADER_BYTES = 28;

/**
 * Writes config.json, model.safetensors (`dataType`, default F32), tokenizer.json and tokenizer_config.json to `directory`.
 *
 * @throws {BitmendError} `tools/bad-llama2c` when the files are not what they should be.
 */
export function convertLlama2c(
  files: { readonly weights: string; readonly tokenizer: string },
  directory: string,
  { dataType = "F32" }: { readonly dataType?: "F32" | "BF16" } = {},
): void {
  const header = readHeader(files.weights);
  const tensors = readWeights(files.weights, header);
  const pieces = readPieces(files.tokenizer, header.vocabularySize);
  mkdirSync(directory, { recursive: true });
  writeSafetensors(
    join(directory, "model.safetensors"),
    tensors.map(({ name, shape, values }): TensorToWrite => ({
      name,
      dataType,
      shape,
      data: encode(values, dataType),
    })),
    { format: "pt" },
  );
  writeJson(join(directory, "config.json"), hubConfig(header, dataType));
  writeJson(join(directory, "tokenizer.json"), hubTokenizer(pieces));
  writeJson(join(directory, "tokenizer_config.json"), {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: "<s>",
    eos_token: "</s>",
    unk_token: "<unk>",
    add_bos_token: true,
    add_eos_token: false,
    clean_up_tokenization_spaces: false,
  });
}

function readHeader(path: string): Llama2cHeader {
  const bytes = readFileSync(path);
  if (bytes.length < HEADER_BYTES) throw bad(path, `a header of ${HEADER_BYTES} bytes`);
  const field = (index: number): number => bytes.readInt32LE(index * 4);
  const header = {
    hiddenSize: field(0),
    intermediateSize: field(1),
    layerCount: field(2),
    headCount: field(3),
    keyValueHeadCount: field(4),
    // The sign tells whether the output head is a matrix of its own.
    vocabularySize: Math.abs(field(5)),
    maxPositions: field(6),
    tiedEmbeddings: field(5) > 0,
  };
  const sizes = Object.values(header).filter((value) => typeof value === "number");
  if (sizes.some((size) => size < 1 || size > 1_000_000) || header.hiddenSize % header.headCount !== 0) {
    throw bad(path, "a header of plausible sizes");
  }
  return header;
}

interface FloatTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The file is one run of float32: every kind of weight for all layers, then the next kind. */
function readWeights(path: string, header: Llama2cHeader): FloatTensor[] {
  const { hiddenSize, intermediateSize, layerCount, headCount, vocabularySize } = header;
  const headDimension = hiddenSize / headCount;
  const keyValueWidth = header.keyValueHeadCount * headDimension;
  const bytes = readFileSync(path);
  const floats = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset + HEADER_BYTES, bytes.byteOffset + bytes.length),
  );
  let position = 0;
  const take = (shape: readonly number[]): Float32Array => {
    const length = shape.reduce((product, size) => product * size, 1);
    if (position + length > floats.length) throw bad(path, "all the weights its header announces");
    position += length;
    return floats.slice(position - length, position);
  };
  const perLayer = (name: string, shape: readonly number[]): FloatTensor[] =>
    Array.from({ length: layerCount }, (_, layer) => ({
      name: `model.layers.${layer}.${name}.weight`,
      shape,
      values: take(shape),
    }));
  const tensors = [
    {
      name: "model.embed_tokens.weight",
      shape: [vocabularySize, hiddenSize],
      values: take([vocabularySize, hiddenSize]),
    },
    ...perLayer("input_layernorm", [hiddenSize]),
    ...perLayer("self_attn.q_proj", [hiddenSize, hiddenSize]).map((tensor) =>
      halvesFromPairs(tensor, headDimension),
    ),
    ...perLayer("self_attn.k_proj", [keyValueWidth, hiddenSize]).map((tensor) =>
      halvesFromPairs(tensor, headDimension),
    ),
    ...perLayer("self_attn.v_proj", [keyValueWidth, hiddenSize]),
    ...perLayer("self_attn.o_proj", [hiddenSize, hiddenSize]),
    ...perLayer("post_attention_layernorm", [hiddenSize]),
    ...perLayer("mlp.gate_proj", [intermediateSize, hiddenSize]),
    ...perLayer("mlp.down_proj", [hiddenSize, intermediateSize]),
    ...perLayer("mlp.up_proj", [intermediateSize, hiddenSize]),
    { name: "model.norm.weight", shape: [hiddenSize], values: take([hiddenSize]) },
  ];
  // Tables of cosines and sines, which Hugging Face computes.
  take([2, header.maxPositions, headDimension / 2]);
  if (!header.tiedEmbeddings) {
    const shape = [vocabularySize, hiddenSize];
    tensors.push({ name: "lm_head.weight", shape, values: take(shape) });
  }
  if (position !== floats.length) throw bad(path, `${position} weights, got ${floats.length}`);
  return tensors;
}

/** Moves row 2i + half of each head to row half·(headDimension / 2) + i. */
function halvesFromPairs({ name, shape, values }: FloatTensor, headDimension: number): FloatTensor {
  const [rows, columns] = [shape[0]!, shape[1]!];
  const reordered = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const rowInHead = row % headDimension;
    const target = row - rowInHead + (rowInHead % 2) * (headDimension / 2) + Math.floor(rowInHead / 2);
    reordered.set(values.subarray(row * columns, (row + 1) * columns), target * columns);
  }
  return { name, shape, values: reordered };
}

interface Piece {
  readonly text: string;
  readonly score: number;
}

/** tokenizer.bin: longest length, then score, length and bytes of each piece. */
function readPieces(path: string, vocabularySize: number): Piece[] {
  const bytes = readFileSync(path);
  const pieces: Piece[] = [];
  let position = 4;
  while (pieces.length < vocabularySize) {
    if (position + 8 > bytes.length) throw bad(path, `${vocabularySize} pieces, got ${pieces.length}`);
    const length = bytes.readInt32LE(position + 4);
    const end = position + 8 + length;
    if (length < 0 || end > bytes.length) throw bad(path, `piece ${pieces.length} inside the file`);
    pieces.push({
      score: bytes.readFloatLE(position),
      text: pieceText(bytes.toString("utf8", position + 8, end)),
    });
    position = end;
  }
  return pieces;
}

/** llama2.c stores spaces for "▁" and decorates the two control tokens. */
function pieceText(stored: string): string {
  return stored === "\n<s>\n" || stored === "\n</s>\n" ? stored.trim() : stored.replaceAll(" ", "▁");
}

function hubConfig(header: Llama2cHeader, dataType: "F32" | "BF16"): Record<string, unknown> {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: header.hiddenSize,
    intermediate_size: header.intermediateSize,
    num_hidden_layers: header.layerCount,
    num_attention_heads: header.headCount,
    num_key_value_heads: header.keyValueHeadCount,
    head_dim: header.hiddenSize / header.headCount,
    vocab_size: header.vocabularySize,
    max_position_embeddings: header.maxPositions,
    tie_word_embeddings: header.tiedEmbeddings,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    hidden_act: "silu",
    attention_bias: false,
    mlp_bias: false,
    bos_token_id: 1,
    eos_token_id: 2,
    torch_dtype: dataType === "F32" ? "float32" : "bfloat16",
  };
}

function hubTokenizer(pieces: readonly Piece[]): Record<string, unknown> {
  const control = ["<unk>", "<s>", "</s>"];
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: control.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [
        { SpecialToken: { id: "<s>", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "<s>", type_id: 1 } },
        { Sequence: { id: "B", type_id: 1 } },
      ],
      special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
    },
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<unk>",
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(pieces.map(({ text }, id) => [text, id])),
      merges: mergesOf(pieces),
    },
  };
}

/** SentencePiece joins the pair whose union scores best: all splits of each piece, best piece first. */
function mergesOf(pieces: readonly Piece[]): [string, string][] {
  const idOf = new Map(pieces.map(({ text }, id) => [text, id]));
  const merges: { pair: [string, string]; score: number; order: number }[] = [];
  for (const { text, score } of pieces) {
    const characters = Array.from(text);
    for (let split = 1; split < characters.length; split++) {
      const pair: [string, string] = [characters.slice(0, split).join(""), characters.slice(split).join("")];
      const [left, right] = pair.map((part) => idOf.get(part));
      if (left !== undefined && right !== undefined)
        merges.push({ pair, score, order: left * pieces.length + right });
    }
  }
  return merges
    .toSorted((first, second) => second.score - first.score || first.order - second.order)
    .map(({ pair }) => pair);
}

function encode(values: Float32Array, dataType: "F32" | "BF16"): Uint8Array {
  const words = dataType === "F32" ? values : float32ToBfloat16(values);
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function writeJson(path: string, value: unknown): void {
  writeFileAtomically(path, `${JSON.stringify(value, null, 2)}\n`);
}

function bad(path: string, expected: string): BitmendError {
  return new BitmendError("tools/bad-llama2c", `convertLlama2c(): ${path}: expected ${expected}.`, {
    hint: "Give a llama2.c version 0 checkpoint and the tokenizer that belongs to it.",
  });
}

if (import.meta.main) {
  const [weights, tokenizer, directory] = process.argv.slice(2);
  if (weights === undefined || tokenizer === undefined || directory === undefined) {
    console.error("usage: node tools/convert-llama2c.ts WEIGHTS.bin TOKENIZER.bin DIRECTORY");
    process.exitCode = 2;
  } else {
    convertLlama2c({ weights, tokenizer }, directory);
  }
}
