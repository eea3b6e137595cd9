import { encodeWord, fromByteCharacters, wordPattern } from "./byte-pairs.ts";
import { pocketMerges } from "./merges.ts";
import { pocketFirstSpecialId, pocketSpecialTokens, pocketVocabulary } from "./vocabulary.ts";

/** Text to token ids without the generality of `tokenizer/`: what training draws through, millions of tokens a second. */
export interface PocketEncoder {
  readonly vocabularySize: number;
  readonly special: {
    readonly pad: number;
    readonly user: number;
    readonly assistant: number;
    readonly end: number;
  };
  /** The ids of plain text; names of special tokens in it are ordinary text. */
  readonly encode: (text: string) => number[];
  /** `<|user|>question<|assistant|>`: what the model continues. */
  readonly prompt: (question: string) => number[];
  /** `solution<|end|>`: what the model writes. */
  readonly answer: (solution: string) => number[];
}

/** Words kept; other text than the generator's must not fill memory. */
const maxCachedWords = 10_000;

/** Opens the pocket tokenizer's encoder; the same ids as tokenizer.json gives. */
export function pocketEncoder(): PocketEncoder {
  const ranks = new Map(pocketMerges.map((merge, rank) => [merge, rank]));
  const tokenIds = new Map(pocketVocabulary.map((token, id) => [token, id]));
  const cache = new Map<string, readonly number[]>();
  const wordIds = (word: string): readonly number[] => {
    const cached = cache.get(word);
    if (cached !== undefined) return cached;
    const ids = encodeWord(word, ranks).map((token) => tokenIds.get(token)!);
    if (cache.size < maxCachedWords) cache.set(word, ids);
    return ids;
  };
  const append = (ids: number[], text: string): number[] => {
    for (const word of text.match(wordPattern) ?? []) for (const id of wordIds(word)) ids.push(id);
    return ids;
  };
  const special = {
    pad: tokenIds.get(pocketSpecialTokens.pad)!,
    user: tokenIds.get(pocketSpecialTokens.user)!,
    assistant: tokenIds.get(pocketSpecialTokens.assistant)!,
    end: tokenIds.get(pocketSpecialTokens.end)!,
  };
  return {
    vocabularySize: pocketVocabulary.length,
    special,
    encode: (text) => append([], text),
    prompt: (question) => [...append([special.user], question), special.assistant],
    answer: (solution) => [...append([], solution), special.end],
  };
}

/** The plain text of `ids`; special, reserved and unknown ids are left out. */
export function decodePocket(ids: readonly number[]): string {
  const tokens = ids.map((id) => (id < pocketFirstSpecialId ? (pocketVocabulary[id] ?? "") : ""));
  return fromByteCharacters(tokens.join(""));
}
