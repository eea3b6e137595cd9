import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** What an unfinished character decodes to. */
const REPLACEMENT = "\u{FFFD}";

/** A character has four bytes at most; a longer broken tail is broken for good. */
const MAX_HELD_TOKENS = 8;

/**
 * Text of a growing completion, handed out piece by piece.
 *
 * A piece never ends inside a character, and never holds what may turn out to be the beginning of a stop string; all pieces together are the
 * completion's final text. A token is decoded together with those before it, as some tokenizers write a word's beginning differently, but
 * not with all of them: time stays linear.
 */
export class TextStream {
  readonly #tokenizer: Pick<Tokenizer, "decode">;
  readonly #stops: readonly string[];
  readonly #tokenIds: number[] = [];
  /** Tokens from here on are decoded again … */
  #windowStart = 0;
  /** … and those before here have given their text. */
  #decoded = 0;
  #text = "";
  #handedOut = 0;

  constructor(tokenizer: Pick<Tokenizer, "decode">, stops: readonly string[] = []) {
    this.#tokenizer = tokenizer;
    this.#stops = stops.filter((stop) => stop !== "");
  }

  /** Takes the next token; gives the text that is certain now. */
  push(tokenId: number): string {
    this.#tokenIds.push(tokenId);
    const before = this.#tokenizer.decode(this.#tokenIds.slice(this.#windowStart, this.#decoded));
    const after = this.#tokenizer.decode(this.#tokenIds.slice(this.#windowStart));
    const held = this.#tokenIds.length - this.#decoded;
    if (after.endsWith(REPLACEMENT) && held < MAX_HELD_TOKENS) return "";
    this.#text += after.slice(before.length);
    this.#windowStart = this.#decoded;
    this.#decoded = this.#tokenIds.length;
    return this.#handOut(this.#text.length - this.#possibleStop());
  }

  /** What is still owed of the final text. */
  rest(finalText: string): string {
    return finalText.slice(this.#handedOut);
  }

  #handOut(end: number): string {
    const piece = this.#text.slice(this.#handedOut, Math.max(end, this.#handedOut));
    this.#handedOut += piece.length;
    return piece;
  }

  /** Length of the longest end of the text that a stop string begins with, or that holds a whole one. */
  #possibleStop(): number {
    const { length } = this.#text;
    for (let start = Math.max(this.#handedOut, 0); start < length; start++) {
      const tail = this.#text.slice(start);
      if (this.#stops.some((stop) => stop.startsWith(tail) || tail.startsWith(stop))) return length - start;
    }
    return 0;
  }
}
