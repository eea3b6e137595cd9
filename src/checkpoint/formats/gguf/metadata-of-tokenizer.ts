/** @file The metadata that stands for tokenizer.json, tokenizer_config.json, the chat template and generation_config.json. */
import { BitmendError } from "../../../util/errors.ts";
import { isJsonObject } from "../../json-file.ts";
import type { ModelConfig } from "../../model-config.ts";
import type { TokenizerFiles } from "../../tokenizer-files.ts";
import type { GgufField } from "./metadata.ts";
import { knownPreTokenizers, nameOfPreTokenizer } from "./pre-tokenizers.ts";
import { scoresOfMerges } from "./sentence-piece-merges.ts";
import { BYTE_PIECE, TOKEN_TYPES } from "./token-types.ts";

/**
 * Writes a byte-pair tokenizer down as llama.cpp reads it: as `gpt2` where it works on bytes, as `llama` where on SentencePiece pieces.
 *
 * Departure: normalization (NFC of Qwen) has no place in GGUF; llama.cpp does none.
 *
 * @throws {BitmendError} `checkpoint/unsupported-tokenizer` says what llama.cpp has no place for.
 */
export function metadataOfTokenizer(files: TokenizerFiles, config: ModelConfig): GgufField[] {
  const where = files.path;
  const vocabulary = readVocabulary(files.tokenizer, { size: config.vocabularySize, where });
  const model = isByteLevel(files.tokenizer)
    ? byteLevelFields(files.tokenizer, { vocabulary, where })
    : sentencePieceFields(files.tokenizer, { vocabulary, where });
  return [
    ...model,
    { key: "tokenizer.ggml.tokens", type: "strings", value: vocabulary.tokens },
    { key: "tokenizer.ggml.token_type", type: "i32s", value: vocabulary.types },
    ...specialTokens(files, { vocabulary, config }),
    ...chatTemplate(files),
  ];
}

interface Vocabulary {
  /** By id; ids that stand for nothing have a made-up text. */
  readonly tokens: string[];
  readonly types: number[];
  readonly idOf: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
}

function readVocabulary(
  { model, added_tokens: added }: Readonly<Record<string, unknown>>,
  { size, where }: { size: number; where: string },
): Vocabulary {
  if (!isJsonObject(model) || !isJsonObject(model["vocab"]) || !Array.isArray(model["merges"])) {
    throw unsupported(where, "a byte-pair tokenizer with vocab and merges");
  }
  const tokens = Array.from({ length: size }, (_, id) => `[PAD${id}]`);
  const types = Array.from<number>({ length: size }).fill(TOKEN_TYPES.unused);
  const idOf = new Map<string, number>();
  const set = (text: unknown, id: unknown, type: number): void => {
    if (typeof text !== "string" || typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= size) {
      throw unsupported(
        where,
        `token ids below the vocabulary size ${size}, got ${JSON.stringify(id)?.slice(0, 60)}`,
      );
    }
    tokens[id] = text;
    types[id] = type;
    idOf.set(text, id);
  };
  const isByteFallback = model["byte_fallback"] === true;
  for (const [text, id] of Object.entries(model["vocab"])) {
    set(text, id, isByteFallback && BYTE_PIECE.test(text) ? TOKEN_TYPES.byte : TOKEN_TYPES.normal);
  }
  for (const token of Array.isArray(added) ? (added as unknown[]) : []) {
    if (!isJsonObject(token)) throw unsupported(where, "added tokens that are objects");
    const isUnknown = token["content"] === model["unk_token"];
    const special = isUnknown ? TOKEN_TYPES.unknown : TOKEN_TYPES.control;
    set(token["content"], token["id"], token["special"] === true ? special : TOKEN_TYPES.userDefined);
  }
  return { tokens, types, idOf, merges: (model["merges"] as unknown[]).map((merge) => pairOf(merge, where)) };
}

/** "left right", or since tokenizers 0.20 ["left", "right"]. */
function pairOf(merge: unknown, where: string): readonly [string, string] {
  const parts: unknown[] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
  const [left, right] = parts;
  if (parts.length === 2 && typeof left === "string" && typeof right === "string") return [left, right];
  throw unsupported(where, "merges of two tokens");
}

function isByteLevel({ decoder }: Readonly<Record<string, unknown>>): boolean {
  if (!isJsonObject(decoder)) return false;
  const decoders: unknown[] = Array.isArray(decoder["decoders"]) ? decoder["decoders"] : [decoder];
  return decoders.some((part) => isJsonObject(part) && part["type"] === "ByteLevel");
}

function byteLevelFields(
  tokenizer: Readonly<Record<string, unknown>>,
  { vocabulary, where }: { vocabulary: Vocabulary; where: string },
): GgufField[] {
  const pre = nameOfPreTokenizer(tokenizer["pre_tokenizer"]);
  if (pre === null) {
    throw unsupported(
      where,
      `a pre_tokenizer that llama.cpp has under one of the names ${knownPreTokenizers().join(", ")}`,
    );
  }
  return [
    { key: "tokenizer.ggml.model", type: "string", value: "gpt2" },
    { key: "tokenizer.ggml.pre", type: "string", value: pre },
    { key: "tokenizer.ggml.merges", type: "strings", value: vocabulary.merges.map((pair) => pair.join(" ")) },
  ];
}

function sentencePieceFields(
  tokenizer: Readonly<Record<string, unknown>>,
  { vocabulary: { tokens, types, merges }, where }: { vocabulary: Vocabulary; where: string },
): GgufField[] {
  const pieces = new Map<string, { id: number }>();
  for (const [id, token] of tokens.entries()) {
    if (types[id] === TOKEN_TYPES.normal) pieces.set(token, { id });
  }
  const scores = types.includes(TOKEN_TYPES.byte) ? scoresOfMerges(merges, pieces) : null;
  if (scores === null)
    throw unsupported(where, "a byte-level tokenizer, or one whose merges are those of SentencePiece scores");
  return [
    { key: "tokenizer.ggml.model", type: "string", value: "llama" },
    { key: "tokenizer.ggml.pre", type: "string", value: "default" },
    { key: "tokenizer.ggml.scores", type: "f32s", value: tokens.map((token) => scores.get(token) ?? 0) },
    { key: "tokenizer.ggml.add_space_prefix", type: "bool", value: prependsSpace(tokenizer) },
  ];
}

function prependsSpace({
  normalizer,
  pre_tokenizer: preTokenizer,
}: Readonly<Record<string, unknown>>): boolean {
  if (isJsonObject(preTokenizer) && preTokenizer["type"] === "Metaspace") {
    return preTokenizer["prepend_scheme"] !== "never" && preTokenizer["add_prefix_space"] !== false;
  }
  if (!isJsonObject(normalizer)) return false;
  const normalizers: unknown[] = Array.isArray(normalizer["normalizers"])
    ? normalizer["normalizers"]
    : [normalizer];
  return normalizers.some((part) => isJsonObject(part) && part["type"] === "Prepend");
}

function specialTokens(
  { tokenizer, tokenizerConfig, generationConfig }: TokenizerFiles,
  { vocabulary: { idOf, tokens }, config }: { vocabulary: Vocabulary; config: ModelConfig },
): GgufField[] {
  const idOfToken = (key: string): number | undefined => {
    const given = tokenizerConfig[key];
    const content = isJsonObject(given) ? given["content"] : given;
    return typeof content === "string" ? idOf.get(content) : undefined;
  };
  const listed: unknown = generationConfig["eos_token_id"] ?? config.eosTokenIds;
  const ends = new Set([
    idOfToken("eos_token"),
    ...(Array.isArray(listed) ? (listed as unknown[]) : [listed]),
  ]);
  const [eos, eot, eom] = [...ends].filter((id) => typeof id === "number" && id < tokens.length);
  const bos = idOfToken("bos_token") ?? config.bosTokenId;
  const ids: [string, unknown][] = [
    ["bos", bos],
    ["eos", eos],
    ["eot", eot],
    ["eom", eom],
    ["unknown", idOfToken("unk_token")],
    ["padding", idOfToken("pad_token")],
  ];
  return [
    ...ids.flatMap(([name, value]): GgufField[] =>
      typeof value === "number" && value < tokens.length
        ? [{ key: `tokenizer.ggml.${name}_token_id`, type: "u32", value }]
        : [],
    ),
    {
      key: "tokenizer.ggml.add_bos_token",
      type: "bool",
      value: addsBos(tokenizer, { tokenizerConfig, tokens, bos }),
    },
    { key: "tokenizer.ggml.add_eos_token", type: "bool", value: tokenizerConfig["add_eos_token"] === true },
  ];
}

/** tokenizer_config.json says so, or the post-processor puts the token first. */
function addsBos(
  { post_processor: processor }: Readonly<Record<string, unknown>>,
  {
    tokenizerConfig,
    tokens,
    bos,
  }: { tokenizerConfig: Readonly<Record<string, unknown>>; tokens: readonly string[]; bos: number | null },
): boolean {
  if (bos === null) return false;
  const { add_bos_token: said } = tokenizerConfig;
  if (typeof said === "boolean") return said;
  if (!isJsonObject(processor)) return false;
  const processors: unknown[] = Array.isArray(processor["processors"])
    ? processor["processors"]
    : [processor];
  return processors.some((part) => {
    const first: unknown = isJsonObject(part) && Array.isArray(part["single"]) ? part["single"][0] : null;
    const special = isJsonObject(first) ? first["SpecialToken"] : null;
    return isJsonObject(special) && special["id"] === tokens[bos];
  });
}

/** `chat_template.jinja` wins over `chat_template`, a string or a list of named templates of which "default" is taken. */
function chatTemplate({ tokenizerConfig, chatTemplate: file }: TokenizerFiles): GgufField[] {
  const { chat_template: given } = tokenizerConfig;
  const named: unknown[] = Array.isArray(given) ? given : [];
  const chosen = named.find((item) => isJsonObject(item) && item["name"] === "default");
  const value = file ?? (isJsonObject(chosen) ? chosen["template"] : given);
  return typeof value === "string" ? [{ key: "tokenizer.chat_template", type: "string", value }] : [];
}

function unsupported(where: string, expected: string): BitmendError {
  return new BitmendError(
    "checkpoint/unsupported-tokenizer",
    `writeGguf(): ${where}: expected ${expected}.`,
    {
      hint: "Choose a format that keeps tokenizer.json as it is.",
    },
  );
}
