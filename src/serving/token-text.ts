import type { TokenScore } from "../generation/token-scores.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** How tokens are written in answers about log probabilities: special ones too, parts of characters as "\u{FFFD}". */
export class TokenTexts {
  readonly #tokenizer: Tokenizer;
  readonly #known = new Map<number, string>();
  /** A token in front, as some tokenizers drop the space before a text's first token. */
  readonly #before: readonly number[];
  readonly #beforeText: string;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#before = tokenizer.encode("a").slice(-1);
    this.#beforeText = this.#decode(this.#before);
  }

  of(tokenId: number): string {
    const known = this.#known.get(tokenId);
    if (known !== undefined) return known;
    const both = this.#decode([...this.#before, tokenId]);
    const text = both.startsWith(this.#beforeText)
      ? both.slice(this.#beforeText.length)
      : this.#decode([tokenId]);
    this.#known.set(tokenId, text);
    return text;
  }

  #decode(tokenIds: readonly number[]): string {
    return this.#tokenizer.decode(tokenIds, { skipSpecialTokens: false });
  }
}

/** A token that stands in a text; the first of a prompt has no score. */
export interface PlacedToken {
  readonly tokenId: number;
  readonly score: TokenScore | null;
}

/** `logprobs` of a completion; `offset` is where the first token begins in the choice's text, in UTF-16 units. */
export function completionLogprobs(
  tokens: readonly PlacedToken[],
  { texts, offset }: { readonly texts: TokenTexts; readonly offset: number },
): object {
  const written = tokens.map(({ tokenId }) => texts.of(tokenId));
  let end = offset;
  return {
    tokens: written,
    token_logprobs: tokens.map(({ score }) => score?.logProbability ?? null),
    top_logprobs: tokens.map(({ score }) => (score === null ? null : byText(score, texts))),
    text_offset: written.map((text) => {
      end += text.length;
      return end - text.length;
    }),
  };
}

/** The likeliest tokens and the one that stands there; of several that are written alike the likeliest. */
function byText(score: TokenScore, texts: TokenTexts): Record<string, number> {
  const entries: Record<string, number> = Object.create(null);
  for (const { tokenId, logProbability } of [...score.likeliest, score]) {
    const text = texts.of(tokenId);
    entries[text] = Math.max(entries[text] ?? Number.NEGATIVE_INFINITY, logProbability);
  }
  return entries;
}

/** `logprobs` of a chat completion. */
export function chatLogprobs(tokens: readonly PlacedToken[], texts: TokenTexts): object {
  const entry = (tokenId: number, logprob: number): object => {
    const token = texts.of(tokenId);
    return { token, logprob, bytes: token.includes("\u{FFFD}") ? null : [...Buffer.from(token)] };
  };
  const content = tokens.flatMap(({ tokenId, score }) =>
    score === null
      ? []
      : [
          {
            ...entry(tokenId, score.logProbability),
            top_logprobs: score.likeliest.map((each) => entry(each.tokenId, each.logProbability)),
          },
        ],
  );
  return { content, refusal: null };
}
