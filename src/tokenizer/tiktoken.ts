/**
 * @file Builds a `tokenizer.json` from a tiktoken vocabulary: a rank for each byte string, no merges.
 *
 * tiktoken joins the neighbouring parts whose union has the lowest rank, and takes a whole word that is a token at once. Hugging Face
 * wants a list of merges: every split of a token into two tokens, tokens by rank, is the same rule (so does `TikTokenConverter` of
 * transformers, `convert_slow_tokenizer.py`).
 */
import { BitmendError } from "../util/errors.ts";

/** How a family splits words and which special tokens it adds. */
export interface TiktokenFamily {
  /** Oniguruma pattern of one word. */
  readonly pattern: string;
  /** Unicode normalization before splitting. */
  readonly normalizer: "NFC" | null;
  /** Special tokens by id offset after the last rank. */
  readonly specialTokens: readonly string[];
}

/** Llama 3 (meta-llama/llama3, `llama/tokenizer.py`). */
export const LLAMA_3: TiktokenFamily = {
  pattern:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  normalizer: null,
  specialTokens: llama3SpecialTokens(),
};

/** Qwen 2, 2.5 and 3 (tokenizer.json of Qwen/Qwen2.5); digits stand alone, text is NFC. */
export const QWEN_2: TiktokenFamily = {
  pattern:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  normalizer: "NFC",
  specialTokens: ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
};

/**
 * Builds the content of tokenizer.json from the text of a ranks file (`base64 rank` lines).
 *
 * @throws {BitmendError} `tokenizer/bad-ranks` names the line that is wrong.
 */
export function tokenizerFromRanks(ranks: string, family: TiktokenFamily): Record<string, unknown> {
  const tokens = parseRanks(ranks);
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: family.specialTokens.map((content, index) => ({
      id: tokens.length + index,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: family.normalizer === null ? null : { type: family.normalizer },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: family.pattern }, behavior: "Isolated", invert: false },
        byteLevel,
      ],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      // A word that is a token is taken whole, as tiktoken does.
      ignore_merges: true,
      vocab: Object.fromEntries(tokens.map((token, rank) => [token, rank])),
      merges: mergesOf(tokens),
    },
  };
}

/** Tokens by rank, bytes written as the printable characters of byte-level BPE. */
function parseRanks(ranks: string): string[] {
  const tokens: string[] = [];
  for (const [index, line] of ranks.trimEnd().split("\n").entries()) {
    const [encoded, rank, ...rest] = line.split(" ");
    const bytes = Buffer.from(encoded ?? "", "base64");
    if (Number(rank) !== index || rest.length > 0 || bytes.length === 0) {
      throw new BitmendError(
        "tokenizer/bad-ranks",
        `tokenizerFromRanks(): line ${index + 1}: expected base64 and the rank ${index}, got ${JSON.stringify(line.slice(0, 60))}.`,
      );
    }
    tokens.push(Array.from(bytes, (byte) => BYTE_CHARACTERS[byte]).join(""));
  }
  return tokens;
}

function mergesOf(tokens: readonly string[]): [string, string][] {
  const rankOf = new Map(tokens.map((token, rank) => [token, rank]));
  return tokens.flatMap((token) => {
    const splits: { pair: [string, string]; order: number }[] = [];
    for (let split = 1; split < token.length; split++) {
      const pair: [string, string] = [token.slice(0, split), token.slice(split)];
      const [left, right] = pair.map((part) => rankOf.get(part));
      if (left !== undefined && right !== undefined)
        splits.push({ pair, order: left * tokens.length + right });
    }
    return splits.toSorted((first, second) => first.order - second.order).map(({ pair }) => pair);
  });
}

/** GPT-2's `bytes_to_unicode`: printable Latin-1 stands for itself, the other bytes for characters from 256 on. */
const BYTE_CHARACTERS: readonly string[] = byteCharacters();

function byteCharacters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCodePoint(printable ? byte : next++);
  });
}

function llama3SpecialTokens(): string[] {
  return [
    "<|begin_of_text|>",
    "<|end_of_text|>",
    ...reservedTokens(0, 4),
    "<|start_header_id|>",
    "<|end_header_id|>",
    ...reservedTokens(4, 5),
    "<|eot_id|>",
    ...reservedTokens(5, 251),
  ];
}

function reservedTokens(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `<|reserved_special_token_${from + index}|>`);
}
