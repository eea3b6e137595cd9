/** @file How text is cut into words before byte-pair merges: names of llama.cpp (`llama-vocab.cpp`) and patterns of tokenizer.json. */
import { isJsonObject } from "../../json-file.ts";

interface PreTokenizer {
  /** `tokenizer.ggml.pre`; the first is written, all are read. */
  readonly names: readonly string[];
  /** The parts of `pre_tokenizer` in front of the one that writes bytes as characters. */
  readonly parts: readonly Readonly<Record<string, unknown>>[];
  /** GPT-2's own pattern is built into the byte-level part. */
  readonly usesRegex: boolean;
  /** A word that is a token is taken whole, as llama.cpp does for this name. */
  readonly ignoresMerges: boolean;
}

const isolated = (regex: string): Record<string, unknown> => ({
  type: "Split",
  pattern: { Regex: regex },
  behavior: "Isolated",
  invert: false,
});

const words = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+`;
const rest = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

const preTokenizers: readonly PreTokenizer[] = [
  {
    names: ["llama-bpe", "llama3", "llama-v3"],
    parts: [isolated(String.raw`${words}|\p{N}{1,3}|${rest}`)],
    usesRegex: false,
    ignoresMerges: true,
  },
  {
    names: ["qwen2", "deepseek-r1-qwen"],
    parts: [isolated(String.raw`${words}|\p{N}|${rest}`)],
    usesRegex: false,
    ignoresMerges: false,
  },
  {
    names: ["smollm"],
    parts: [{ type: "Digits", individual_digits: true }],
    usesRegex: true,
    ignoresMerges: false,
  },
  { names: ["gpt-2"], parts: [], usesRegex: true, ignoresMerges: false },
];

/** The way of cutting that a name stands for; undefined for one that is not read. */
export function preTokenizerOfName(name: string): PreTokenizer | undefined {
  return preTokenizers.find(({ names }) => names.includes(name));
}

/** The name for the `pre_tokenizer` of a tokenizer.json; null when llama.cpp has none that bitmend knows. */
export function nameOfPreTokenizer(preTokenizer: unknown): string | null {
  if (!isJsonObject(preTokenizer)) return null;
  const list: unknown[] =
    preTokenizer["type"] === "Sequence" && Array.isArray(preTokenizer["pretokenizers"])
      ? preTokenizer["pretokenizers"]
      : [preTokenizer];
  const byteLevel = list.at(-1);
  if (
    !isJsonObject(byteLevel) ||
    byteLevel["type"] !== "ByteLevel" ||
    byteLevel["add_prefix_space"] === true
  ) {
    return null;
  }
  const parts = list.slice(0, -1);
  const usesRegex = byteLevel["use_regex"] !== false;
  const found = preTokenizers.find(
    (known) =>
      known.usesRegex === usesRegex &&
      known.parts.length === parts.length &&
      known.parts.every((part, index) => sameSplit(part, parts[index])),
  );
  return found?.names[0] ?? null;
}

/** All names that are written, for messages. */
export function knownPreTokenizers(): string[] {
  return preTokenizers.map(({ names }) => names[0] ?? "");
}

function sameSplit(known: Readonly<Record<string, unknown>>, given: unknown): boolean {
  return (
    isJsonObject(given) &&
    Object.keys(known).every((key) => JSON.stringify(given[key]) === JSON.stringify(known[key]))
  );
}
