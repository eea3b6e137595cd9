import { BitmendError } from "../util/errors.ts";

/** The 97.5 % quantile of the standard normal distribution. */
const normalQuantile = 1.959_963_984_540_054;

/**
 * Two-sided 95 % score interval of a proportion, fractions of 1 (Wilson 1927, without continuity correction).
 *
 * @throws {BitmendError} `evaluation/bad-counts` unless 0 <= successes <= trials and trials > 0.
 */
export function wilsonInterval(successes: number, trials: number): [low: number, high: number] {
  if (
    !Number.isInteger(successes) ||
    !Number.isInteger(trials) ||
    successes < 0 ||
    successes > trials ||
    trials < 1
  )
    throw new BitmendError(
      "evaluation/bad-counts",
      `wilsonInterval(): expected 0 <= successes <= trials and trials > 0, got ${successes} of ${trials}.`,
    );
  // p proportion, n trials, z normal quantile (Wilson 1927)
  const [p, n, z] = [successes / trials, trials, normalQuantile];
  const center = (p + z ** 2 / (2 * n)) / (1 + z ** 2 / n);
  const half = (z / (1 + z ** 2 / n)) * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n ** 2));
  // At the ends the formula gives exactly 0 and 1; rounding does not.
  return [successes === 0 ? 0 : center - half, successes === trials ? 1 : center + half];
}
