import { BitmendError } from "../util/errors.ts";

/**
 * Two-sided 95 % interval of the mean over problems, one value a problem (Student 1908).
 *
 * With several samples a problem the values are means over its samples: problems are what was drawn, so they are the clusters, and samples
 * of one problem are not taken for independent ones. Infinite for one problem; not cut at 0 and 1.
 *
 * @throws {BitmendError} `evaluation/no-problems` when `values` is empty.
 */
export function studentInterval(values: readonly number[]): [low: number, high: number] {
  if (values.length === 0)
    throw new BitmendError(
      "evaluation/no-problems",
      "studentInterval(): expected at least one problem, got none.",
    );
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return [-Infinity, Infinity];
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const half = studentQuantile(n - 1) * Math.sqrt(squares / (n - 1) / n);
  return [mean - half, mean + half];
}

/** The 97.5 % quantile of Student's distribution, by bisection of its tail. */
function studentQuantile(degreesOfFreedom: number): number {
  let [low, high] = [1.959, 12.707];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (upperTail(middle, degreesOfFreedom) > 0.025) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(T > t) for t > 0: half the regularized incomplete beta function I_x(df/2, 1/2) at x = df / (df + t²). */
function upperTail(t: number, df: number): number {
  const [a, b, x] = [df / 2, 0.5, df / (df + t * t)];
  const logFront = logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x);
  // The continued fraction converges fast below (a + 1) / (a + b + 2); beyond, the mirrored one does.
  return x < (a + 1) / (a + b + 2)
    ? (0.5 * Math.exp(logFront)) / (a * betaFraction(a, b, x))
    : 0.5 * (1 - Math.exp(logFront) / (b * betaFraction(b, a, 1 - x)));
}

/** Continued fraction of the incomplete beta function, 1 + d₁/(1 + d₂/(1 + ...)) (Abramowitz and Stegun 26.5.8), by Lentz's method. */
function betaFraction(a: number, b: number, x: number): number {
  let [fraction, c, d] = [1, 1, 0];
  for (let index = 1; index <= 500; index++) {
    const m = Math.floor(index / 2);
    const term =
      index % 2 === 0
        ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
        : -((a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + term * d);
    c = 1 + term / c;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return fraction;
}

/** ln Γ(x) for x > 0: recurrence up to 16, then Stirling's series with four terms. */
function logGamma(argument: number): number {
  let [x, shift] = [argument, 0];
  while (x < 16) shift -= Math.log(x++);
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5) - 1 / (1680 * x ** 7);
  return shift + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}
