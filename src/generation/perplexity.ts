import type { Model } from "../models/model.ts";
import { BitmendError } from "../util/errors.ts";
import { scoreTokens } from "./score-tokens.ts";

/** A text whose tokens are predicted one after the other. */
export interface PredictedText {
  readonly tokenIds: readonly number[];
  /** For each token whether the prediction of the token after it counts. Default: all do. */
  readonly counted?: readonly boolean[];
}

/** How well a model predicts text. */
export interface Perplexity {
  /** exp of the mean below. */
  readonly perplexity: number;
  /** Mean negative log-likelihood of a token, nats. */
  readonly meanLoss: number;
  /** Standard error of the mean over tokens, as if they were independent. */
  readonly standardError: number;
  /** Tokens that were predicted: every one of a text but its first, as far as they count. */
  readonly tokens: number;
}

/**
 * The perplexity of a model as it runs, each sequence from its first token on with nothing before it.
 *
 * Memory: the logits [tokens, vocabularySize] of one sequence a worker.
 *
 * @yields the number of sequences that are done
 * @throws {BitmendError} `generation/bad-request` as `scoreTokens()`, and when no token counts.
 */
export async function* perplexity(
  model: Model,
  sequences: readonly PredictedText[],
  { signal }: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<number, Perplexity, void> {
  const texts = sequences.filter(({ tokenIds }) => tokenIds.length > 1);
  const requests = texts.map(({ tokenIds }, index) => ({
    id: String(index),
    promptIds: tokenIds.slice(0, 1),
    tokenIds: tokenIds.slice(1),
  }));
  let [sum, squares, tokens, done] = [0, 0, 0, 0];
  for await (const { id, logProbabilities } of scoreTokens(
    model,
    requests,
    signal === undefined ? {} : { signal },
  )) {
    const { counted } = texts[Number(id)]!;
    for (const [index, logProbability] of logProbabilities.entries()) {
      if (counted?.[index] === false) continue;
      sum -= logProbability;
      squares += logProbability ** 2;
      tokens++;
    }
    yield ++done;
  }
  if (tokens === 0) {
    throw new BitmendError("generation/bad-request", "perplexity(): expected tokens to predict, got none.", {
      hint: "Give longer texts.",
    });
  }
  const meanLoss = sum / tokens;
  const variance = Math.max(0, squares / tokens - meanLoss ** 2);
  return { perplexity: Math.exp(meanLoss), meanLoss, standardError: Math.sqrt(variance / tokens), tokens };
}
