import { byteCharacters } from "./byte-pairs.ts";
import { pocketMerges } from "./merges.ts";

/** Tokens with a meaning of their own, in the order of their ids. */
export const pocketSpecialTokens = {
  pad: "<|pad|>",
  user: "<|user|>",
  assistant: "<|assistant|>",
  end: "<|end|>",
} as const;

/** Rows of the embedding table come in multiples of this. */
const rowMultiple = 64;

const plain = [...byteCharacters, ...pocketMerges.map((merge) => merge.replace(" ", ""))];
const named = [...plain, ...Object.values(pocketSpecialTokens)];
const reservedCount = Math.ceil(named.length / rowMultiple) * rowMultiple - named.length;

/** Every token by id: bytes, merges, special tokens, then reserved ones up to a multiple of 64. */
export const pocketVocabulary: readonly string[] = [
  ...named,
  ...Array.from({ length: reservedCount }, (_, index) => `<|reserved_${index}|>`),
];

/** Ids from here on are special or reserved. */
export const pocketFirstSpecialId = plain.length;
