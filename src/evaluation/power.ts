import { BitmendError } from "../util/errors.ts";

/** Normal quantiles of 97.5 % (two-sided level of 5 %) and 80 % (power). */
const [levelQuantile, powerQuantile] = [1.959_963_984_540_054, 0.841_621_233_572_914_2];

/** How much the per-problem differences of two systems scatter, split by its cause. Squares of score differences. */
export interface PairedSpread {
  /** Mean over problems of the squared true difference: the problems differ in what they do to the two systems. */
  readonly between: number;
  /** Mean over problems of the variance that one sample of each adds; 0 where decoding is greedy, null where there was one sample. */
  readonly within: number | null;
}

/**
 * What two systems' samples of the same problems say about the spread of their differences; at least one sample of each a problem.
 *
 * With one sample a problem everything counts as `between`: for right or wrong, that is the share of discordant problems.
 */
export function pairedSpread(
  pairs: readonly (readonly [readonly number[], readonly number[]])[],
): PairedSpread {
  const isSampled = pairs.every(([left, right]) => left.length > 1 && right.length > 1);
  let [meanSquare, noise, within] = [0, 0, 0];
  for (const [left, right] of pairs) {
    meanSquare += (mean(left) - mean(right)) ** 2 / pairs.length;
    if (!isSampled) continue;
    const [leftVariance, rightVariance] = [variance(left), variance(right)];
    noise += (leftVariance / left.length + rightVariance / right.length) / pairs.length;
    within += (leftVariance + rightVariance) / pairs.length;
  }
  return isSampled
    ? { between: Math.max(0, meanSquare - noise), within }
    : { between: meanSquare, within: null };
}

/**
 * Problems that a paired comparison needs to find a true `difference` of scores with 80 % power at a two-sided level of 5 %, at `samples` a
 * problem, for systems that scatter as `spread` says.
 *
 * For one sample a problem this is Connor 1987, formula for McNemar's test, whose variance under the null hypothesis is the discordant share
 * and under the alternative that less the squared difference; the exact test, which is careful, then has 77 to 79 % (tools/golden/statistics.py). Where the spread is too small for the difference, it is the difference.
 *
 * @throws {BitmendError} `evaluation/bad-difference` unless 0 < difference <= 1.
 */
export function problemsNeeded(difference: number, spread: PairedSpread, samples = 1): number {
  return Math.ceil(exactProblems(checked(difference), squaredSpread(difference, spread, samples)) - 1e-9);
}

/** Fewest samples a problem with which `problems` are enough (see {@link problemsNeeded}); null where no number is. */
export function samplesNeeded(difference: number, spread: PairedSpread, problems: number): number | null {
  if (
    spread.within === null ||
    exactProblems(checked(difference), squaredSpread(difference, spread, Infinity)) > problems
  )
    return null;
  let [low, high] = [0, 1];
  while (high < 2 ** 30 && problemsNeeded(difference, spread, high) > problems)
    [low, high] = [high, high * 2];
  if (problemsNeeded(difference, spread, high) > problems) return null;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (problemsNeeded(difference, spread, middle) > problems) low = middle;
    else high = middle;
  }
  return high;
}

/** The smallest true difference that `problems` find with 80 % power (see {@link problemsNeeded}); 1 where even that is not found. */
export function differenceFound(problems: number, spread: PairedSpread, samples = 1): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (exactProblems(middle, squaredSpread(middle, spread, samples)) > problems) low = middle;
    else high = middle;
  }
  return high;
}

function exactProblems(difference: number, meanSquare: number): number {
  const alternative = Math.sqrt(Math.max(0, meanSquare - difference ** 2));
  return ((levelQuantile * Math.sqrt(meanSquare) + powerQuantile * alternative) / difference) ** 2;
}

/** Mean squared difference of a problem at `samples` samples; a mean difference d of right and wrong needs d of discordance, of means d². */
function squaredSpread(difference: number, { between, within }: PairedSpread, samples: number): number {
  return within === null
    ? Math.max(between, difference)
    : Math.max(between, difference ** 2) + within / samples;
}

function checked(difference: number): number {
  if (difference > 0 && difference <= 1) return difference;
  throw new BitmendError(
    "evaluation/bad-difference",
    `problemsNeeded(): expected a difference above 0 and at most 1, got ${difference}.`,
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Unbiased, of at least two values. */
function variance(values: readonly number[]): number {
  const center = mean(values);
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1);
}
