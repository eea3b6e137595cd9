import { BitmendError } from "../util/errors.ts";
import type { Model } from "../models/model.ts";
import { scoreToken } from "./token-scores.ts";

/** A sequence whose end is scored. */
export interface ScoreRequest {
  readonly id: string;
  /** At least one token. */
  readonly promptIds: readonly number[];
  /** The tokens that are scored, each given everything before it. */
  readonly tokenIds: readonly number[];
}

/** What a model thinks of given tokens. */
export interface TokenScores {
  readonly id: string;
  /** Natural logarithm of the probability of each token. */
  readonly logProbabilities: Float64Array;
}

/** Settings of `scoreTokens()`. */
export interface ScoreOptions {
  readonly signal?: AbortSignal;
}

/**
 * Scores given continuations: teacher forcing, one pass per sequence. Results arrive in the order in which they are ready.
 *
 * @yields {TokenScores} one for every request.
 * @throws {BitmendError} `generation/bad-request` lists the sequences that cannot be scored.
 */
export async function* scoreTokens(
  model: Model,
  requests: readonly ScoreRequest[],
  { signal }: ScoreOptions = {},
): AsyncGenerator<TokenScores, void, void> {
  validate(model, requests);
  const capacity = requests.reduce((longest, request) => Math.max(longest, sequenceOf(request).length), 1);
  const decoders = model.openDecoders({ slots: model.workers, capacity, wantsLogits: true });
  // Each worker takes every n-th sequence; what is ready is handed out a round at a time.
  for (let start = 0; start < requests.length; start += decoders.length) {
    signal?.throwIfAborted();
    const round = requests.slice(start, start + decoders.length);
    // oxlint-disable-next-line eslint/no-await-in-loop -- a round fills all workers
    yield* await Promise.all(
      round.map(async (request, worker) => {
        const logits = await decoders[worker]!.logits(sequenceOf(request));
        return { id: request.id, logProbabilities: scoresOf(request, logits, model.config.vocabularySize) };
      }),
    );
  }
}

/** Everything the model reads: the last scored token is only an answer. */
function sequenceOf({ promptIds, tokenIds }: ScoreRequest): readonly number[] {
  return [...promptIds, ...tokenIds.slice(0, -1)];
}

function scoresOf({ promptIds, tokenIds }: ScoreRequest, logits: Float32Array, width: number): Float64Array {
  return Float64Array.from(tokenIds, (tokenId, index) => {
    const position = promptIds.length - 1 + index;
    return scoreToken(logits.subarray(position * width, (position + 1) * width), tokenId, 0).logProbability;
  });
}

function validate({ config, positions }: Model, requests: readonly ScoreRequest[]): void {
  const isForeign = (tokenId: number): boolean => !(tokenId >= 0 && tokenId < config.vocabularySize);
  const offenders = requests.filter(({ promptIds, tokenIds }) => {
    const isTooLong = promptIds.length + tokenIds.length - 1 > positions;
    return promptIds.length === 0 || isTooLong || promptIds.some(isForeign) || tokenIds.some(isForeign);
  });
  if (offenders.length === 0) return;
  const shown = offenders.slice(0, 5).map(({ id }) => `"${id}"`);
  throw new BitmendError(
    "generation/bad-request",
    `scoreTokens(): expected prompts of 1 token or more, at most ${positions} positions and tokens below ${config.vocabularySize}, got ${offenders.length} other (${shown.join(", ")}).`,
  );
}
