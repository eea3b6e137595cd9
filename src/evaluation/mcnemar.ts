import { BitmendError } from "../util/errors.ts";

/**
 * Exact two-sided McNemar p: how likely flips at least as one-sided as `lost` against `won` are when both directions are
 * equally likely (binomial test with p = 1/2 on the discordant pairs; McNemar 1947, exact form).
 *
 * Stable for any count: the tail is summed from its largest term, whose logarithm comes from Stirling's series.
 *
 * @throws {BitmendError} `evaluation/bad-counts` for negative or fractional counts.
 */
export function mcnemarExactP(lost: number, won: number): number {
  if (!Number.isSafeInteger(lost) || !Number.isSafeInteger(won) || lost < 0 || won < 0)
    throw new BitmendError(
      "evaluation/bad-counts",
      `mcnemarExactP(): expected two counts, got ${lost} and ${won}.`,
    );
  const trials = lost + won;
  const fewer = Math.min(lost, won);
  if (2 * fewer >= trials - 1) return 1;
  let term = Math.exp(logChoose(trials, fewer) - trials * Math.LN2);
  let tail = 0;
  for (let successes = fewer; successes >= 0 && term > tail * 1e-18; successes--) {
    tail += term;
    term *= successes / (trials - successes + 1);
  }
  return Math.min(1, 2 * tail);
}

function logChoose(total: number, chosen: number): number {
  return logFactorial(total) - logFactorial(chosen) - logFactorial(total - chosen);
}

/** ln(n!): summed below 32, Stirling's series with four terms above (relative error below 1e-15). */
function logFactorial(count: number): number {
  if (count < 32) {
    let factorial = 1;
    for (let factor = 2; factor <= count; factor++) factorial *= factor;
    return Math.log(factorial);
  }
  const series =
    1 / (12 * count) - 1 / (360 * count ** 3) + 1 / (1260 * count ** 5) - 1 / (1680 * count ** 7);
  return (count + 0.5) * Math.log(count) - count + 0.5 * Math.log(2 * Math.PI) + series;
}
