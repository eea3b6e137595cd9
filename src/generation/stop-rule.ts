import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** What ends a completion besides the token limit. */
export interface StopOptions {
  /** Token ids that end a completion and are no part of it. Default: the model's end-of-sequence tokens. */
  readonly tokenIds?: readonly number[];
  /** Texts that end a completion; the completion's text is cut before the first of them. Default: none. */
  readonly strings?: readonly string[];
}

/** The tail that is decoded while looking for a stop string may begin inside a character; this many tokens of margin are enough for UTF-8. */
const MARGIN_TOKENS = 8;

/** Looks for stop strings in a growing completion. */
export class StopStrings {
  readonly #strings: readonly string[];
  readonly #tokenizer: Pick<Tokenizer, "decode">;
  readonly #tailTokens: number;

  constructor(strings: readonly string[], tokenizer: Pick<Tokenizer, "decode">) {
    this.#strings = strings.filter((text) => text !== "");
    this.#tokenizer = tokenizer;
    // A token decodes to at least one byte, or to nothing, which the margin covers.
    this.#tailTokens = MARGIN_TOKENS + Math.max(0, ...this.#strings.map((text) => Buffer.byteLength(text)));
  }

  /** True when the completion so far contains a stop string; called after every token, so only the end has to be looked at. */
  isReached(tokenIds: readonly number[]): boolean {
    if (this.#strings.length === 0) return false;
    const tail = this.#tokenizer.decode(tokenIds.slice(-this.#tailTokens));
    return this.#strings.some((text) => tail.includes(text));
  }

  /** The text before the first stop string. */
  cut(text: string): string {
    const starts = this.#strings.map((stop) => text.indexOf(stop)).filter((start) => start >= 0);
    return starts.length === 0 ? text : text.slice(0, Math.min(...starts));
  }
}
