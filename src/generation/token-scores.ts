/** @file Log probabilities of tokens as the model gives them, before temperature and truncation. */

/** A token and the natural logarithm of its probability. */
interface ScoredToken {
  readonly tokenId: number;
  readonly logProbability: number;
}

/** What the model thought of a token that stands there, and which tokens it held most likely. */
export interface TokenScore extends ScoredToken {
  /** The likeliest first, the lowest id among equals. */
  readonly likeliest: readonly ScoredToken[];
}

/** Scores one token; `logits` is [vocabularySize]. All arithmetic is float64. */
export function scoreToken(logits: Float32Array, tokenId: number, count: number): TokenScore {
  const best = likeliestIds(logits, Math.max(count, 1));
  const largest = logits[best[0]!]!;
  const logSum = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
  const score = (id: number): ScoredToken => ({
    tokenId: id,
    logProbability: logits[id]! - largest - logSum,
  });
  return { ...score(tokenId), likeliest: best.slice(0, count).map(score) };
}

/** Ids of the `count` highest logits, by insertion: counts are small. */
function likeliestIds(logits: Float32Array, count: number): number[] {
  const ids: number[] = [];
  for (let tokenId = 0; tokenId < logits.length; tokenId++) {
    const logit = logits[tokenId]!;
    if (ids.length === count && !(logit > logits[ids.at(-1)!]!)) continue;
    let place = ids.length;
    while (place > 0 && logit > logits[ids[place - 1]!]!) place--;
    ids.splice(place, 0, tokenId);
    if (ids.length > count) ids.pop();
  }
  return ids;
}
