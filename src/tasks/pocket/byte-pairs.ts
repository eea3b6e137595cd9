/**
 * @file Byte-level byte-pair encoding: training of merges, and encoding with them.
 *
 * As in GPT-2 and Qwen2: bytes are written as printable characters, words come from Qwen2's pre-tokenizer (every digit alone), and the
 * earliest learned merge applies first ({@link https://arxiv.org/abs/1508.07909 | Sennrich et al. 2016}, section 3.2).
 */

/** Qwen2's pre-tokenizer. */
export const wordPattern =
  /(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu;

/** The printable character of every byte value (GPT-2's `bytes_to_unicode`). */
export const byteCharacters: readonly string[] = (() => {
  const characters: string[] = [];
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    characters.push(String.fromCodePoint(printable ? byte : next++));
  }
  return characters;
})();

/** The printable characters of the text's UTF-8 bytes. */
function toByteCharacters(text: string): string[] {
  return Array.from(Buffer.from(text, "utf8"), (byte) => byteCharacters[byte]!);
}

/** Two tokens that become one. */
export type Merge = readonly [left: string, right: string];

/**
 * Learns merges until every word is one token: the most frequent pair first, among equals the one that sorts first.
 *
 * @param wordCounts how often each pre-tokenized word occurs
 */
export function trainBytePairs(wordCounts: ReadonlyMap<string, number>): Merge[] {
  const words = [...wordCounts].map(([word, count]) => ({ tokens: toByteCharacters(word), count }));
  const merges: Merge[] = [];
  for (;;) {
    const best = mostFrequentPair(words);
    if (best === null) return merges;
    merges.push(best);
    for (const word of words) word.tokens = mergePair(word.tokens, best);
  }
}

function mostFrequentPair(words: readonly { tokens: readonly string[]; count: number }[]): Merge | null {
  const counts = new Map<string, number>();
  for (const { tokens, count } of words) {
    for (let index = 1; index < tokens.length; index++) {
      const pair = `${tokens[index - 1]} ${tokens[index]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | null = null;
  for (const [pair, count] of counts) {
    const bestCount = best === null ? 0 : counts.get(best)!;
    if (best === null || count > bestCount || (count === bestCount && pair < best)) best = pair;
  }
  if (best === null) return null;
  const [left, right] = best.split(" ");
  return [left!, right!];
}

function mergePair(tokens: readonly string[], [left, right]: Merge): string[] {
  const merged: string[] = [];
  for (let index = 0; index < tokens.length; index++) {
    if (tokens[index] === left && tokens[index + 1] === right) {
      merged.push(left + right);
      index += 1;
    } else merged.push(tokens[index]!);
  }
  return merged;
}

/** The tokens of one pre-tokenized word: always the earliest learned merge that applies. */
export function encodeWord(word: string, ranks: ReadonlyMap<string, number>): string[] {
  let tokens = toByteCharacters(word);
  for (;;) {
    let best: { rank: number; merge: Merge } | null = null;
    for (let index = 1; index < tokens.length; index++) {
      const merge: Merge = [tokens[index - 1]!, tokens[index]!];
      const rank = ranks.get(merge.join(" "));
      if (rank !== undefined && (best === null || rank < best.rank)) best = { rank, merge };
    }
    if (best === null) return tokens;
    tokens = mergePair(tokens, best.merge);
  }
}

const byteValues: ReadonlyMap<string, number> = new Map(
  byteCharacters.map((character, byte) => [character, byte]),
);

/** The text of tokens written in printable characters; bytes that are not UTF-8 become U+FFFD. */
export function fromByteCharacters(characters: string): string {
  return Buffer.from(Array.from(characters, (character) => byteValues.get(character) ?? 0x3f)).toString(
    "utf8",
  );
}
