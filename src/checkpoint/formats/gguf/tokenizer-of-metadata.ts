/** @file The tokenizer files that the metadata of a GGUF file stands for; the inverse of metadata-of-tokenizer.ts. */
import { endTokenIds } from "./config-of-metadata.ts";
import type { GgufHeader } from "./header.ts";
import { MetadataReader } from "./metadata.ts";
import { knownPreTokenizers, preTokenizerOfName } from "./pre-tokenizers.ts";
import { MAX_PIECE_LENGTH, mergesOfScores } from "./sentence-piece-merges.ts";
import { TOKEN_TYPES } from "./token-types.ts";

/** The content of these files, as a Hugging Face directory would have them. */
export interface TokenizerOfGguf {
  readonly tokenizer: Record<string, unknown>;
  /** With the chat template. */
  readonly tokenizerConfig: Record<string, unknown>;
  readonly generationConfig: Record<string, unknown>;
}

interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
}

/**
 * Builds the files.
 *
 * @throws {BitmendError} `checkpoint/unsupported-gguf` says what is missing or not supported.
 */
export function tokenizerOfMetadata({
  path,
  metadata,
}: Pick<GgufHeader, "path" | "metadata">): TokenizerOfGguf {
  const reader = new MetadataReader(metadata);
  const tokens = reader.strings("tokenizer.ggml.tokens") ?? [];
  if (tokens.length === 0) reader.missing("tokenizer.ggml.tokens");
  const types =
    reader.numbers("tokenizer.ggml.token_type") ??
    Array.from<number>({ length: tokens.length }).fill(TOKEN_TYPES.normal);
  if (types.length !== tokens.length) {
    reader.refuse("tokenizer.ggml.token_type", `has ${types.length} entries for ${tokens.length} tokens`);
  }
  const model = reader.string("tokenizer.ggml.model") ?? "none";
  const parts =
    model === "gpt2"
      ? byteLevelParts(reader, { tokens, types })
      : model === "llama"
        ? sentencePieceParts(reader, { tokens, types })
        : null;
  if (parts === null) {
    reader.refuse(
      "tokenizer.ggml.model",
      `is ${JSON.stringify(model.slice(0, 60))} (gpt2 and llama are supported)`,
    );
  }
  const special = specialTokens(reader, tokens);
  reader.throwIfRefused(path, "a tokenizer that is supported");
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens({ tokens, types }),
    ...parts,
  };
  return { tokenizer, ...special };
}

function byteLevelParts(reader: MetadataReader, vocabulary: Vocabulary): Record<string, unknown> {
  const merges = reader.strings("tokenizer.ggml.merges");
  if (merges === null) reader.missing("tokenizer.ggml.merges");
  const name = reader.string("tokenizer.ggml.pre") ?? "none";
  const pre = preTokenizerOfName(name);
  if (pre === undefined) {
    reader.refuse(
      "tokenizer.ggml.pre",
      `is ${JSON.stringify(name.slice(0, 60))} (${knownPreTokenizers().join(", ")} are supported)`,
    );
  }
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: pre?.usesRegex ?? false,
  };
  return {
    normalizer: name === "qwen2" ? { type: "NFC" } : null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [...(pre?.parts ?? []), byteLevel] },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      ...modelDefaults,
      ignore_merges: pre?.ignoresMerges ?? false,
      vocab: vocabularyOf(reader, vocabulary),
      merges: (merges ?? []).map((merge) => merge.split(" ")),
    },
  };
}

function sentencePieceParts(reader: MetadataReader, vocabulary: Vocabulary): Record<string, unknown> {
  const { tokens, types } = vocabulary;
  const scores = reader.numbers("tokenizer.ggml.scores");
  if (scores === null) reader.missing("tokenizer.ggml.scores");
  else if (scores.length !== tokens.length) {
    reader.refuse("tokenizer.ggml.scores", `has ${scores.length} entries for ${tokens.length} tokens`);
  }
  const pieces = new Map<string, { id: number; score: number }>();
  for (const [id, token] of tokens.entries()) {
    if (types[id] !== TOKEN_TYPES.normal) continue;
    if (token.length > MAX_PIECE_LENGTH)
      reader.refuse("tokenizer.ggml.tokens", `has a piece of ${token.length} characters`);
    pieces.set(token, { id, score: scores?.[id] ?? 0 });
  }
  const hasPrefix = reader.boolean("tokenizer.ggml.add_space_prefix") ?? true;
  const unknown = reader.integer("tokenizer.ggml.unknown_token_id") ?? types.indexOf(TOKEN_TYPES.unknown);
  const space = { type: "Replace", pattern: { String: " " }, content: "▁" };
  return {
    normalizer: {
      type: "Sequence",
      normalizers: hasPrefix ? [{ type: "Prepend", prepend: "▁" }, space] : [space],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(hasPrefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      ...modelDefaults,
      unk_token: tokens[unknown] ?? null,
      fuse_unk: true,
      byte_fallback: true,
      vocab: vocabularyOf(reader, vocabulary),
      // Merges of a file that is refused anyway are not worth the time.
      merges: reader.complaints.length > 0 ? [] : mergesOfScores(pieces),
    },
  };
}

const modelDefaults = {
  type: "BPE",
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
  ignore_merges: false,
};

function vocabularyOf(reader: MetadataReader, { tokens, types }: Vocabulary): Record<string, number> {
  const ids = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    if (types[id] === TOKEN_TYPES.unused || isAdded(types[id])) continue;
    if (ids.has(token))
      reader.refuse("tokenizer.ggml.tokens", `has ${JSON.stringify(token.slice(0, 60))} twice`);
    ids.set(token, id);
  }
  // SentencePiece has its unknown token among the pieces.
  for (const [id, token] of tokens.entries()) if (types[id] === TOKEN_TYPES.unknown) ids.set(token, id);
  return Object.fromEntries(ids);
}

function isAdded(type: number | undefined): boolean {
  return type === TOKEN_TYPES.control || type === TOKEN_TYPES.userDefined || type === TOKEN_TYPES.unknown;
}

function addedTokens({ tokens, types }: Vocabulary): Record<string, unknown>[] {
  return tokens.flatMap((content, id) =>
    isAdded(types[id])
      ? [
          {
            id,
            content,
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: types[id] !== TOKEN_TYPES.userDefined,
          },
        ]
      : [],
  );
}

function specialTokens(
  reader: MetadataReader,
  tokens: readonly string[],
): Pick<TokenizerOfGguf, "tokenizerConfig" | "generationConfig"> {
  const tokenOf = (name: string): string | null => {
    const id = reader.tokenId(name);
    if (id !== null && id >= tokens.length)
      reader.refuse(`tokenizer.ggml.${name}_token_id`, `is ${id}, but there are ${tokens.length} tokens`);
    return tokens[id ?? -1] ?? null;
  };
  const template = reader.string("tokenizer.chat_template");
  return {
    tokenizerConfig: {
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: tokenOf("bos"),
      eos_token: tokenOf("eos"),
      unk_token: tokenOf("unknown"),
      pad_token: tokenOf("padding"),
      add_bos_token: reader.boolean("tokenizer.ggml.add_bos_token") ?? false,
      add_eos_token: reader.boolean("tokenizer.ggml.add_eos_token") ?? false,
      clean_up_tokenization_spaces: false,
      ...(template === null ? {} : { chat_template: template }),
    },
    generationConfig: { eos_token_id: endTokenIds(reader) },
  };
}
