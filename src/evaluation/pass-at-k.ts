import { BitmendError } from "../util/errors.ts";

/**
 * Unbiased estimate of pass@k of one problem: the chance that at least one of `k` samples is right, `correct` of `samples` being right
 * (Chen et al. 2021, formula 1: 1 - C(n - c, k) / C(n, k)), as a product, so that no binomial coefficient is formed.
 *
 * @throws {BitmendError} `evaluation/bad-counts` unless 0 <= correct <= samples and 1 <= k <= samples.
 */
export function passAtK(correct: number, samples: number, k: number): number {
  const counts = [correct, samples, k];
  if (counts.some((count) => !Number.isSafeInteger(count)) || correct < 0 || correct > samples)
    throw badCounts(correct, samples, k);
  if (k < 1 || k > samples) throw badCounts(correct, samples, k);
  if (samples - correct < k) return 1;
  let allWrong = 1;
  for (let fewer = samples - correct + 1; fewer <= samples; fewer++) allWrong *= 1 - k / fewer;
  return 1 - allWrong;
}

function badCounts(correct: number, samples: number, k: number): BitmendError {
  return new BitmendError(
    "evaluation/bad-counts",
    `passAtK(): expected 0 <= correct <= samples and 1 <= k <= samples, got correct=${correct}, samples=${samples}, k=${k}.`,
  );
}
