import { BitmendError } from "../util/errors.ts";
import { randomStream } from "../util/random.ts";

export interface BootstrapOptions {
  readonly seed: number;
  /** Default: 10,000. */
  readonly resamples?: number;
}

/**
 * Two-sided 95 % percentile interval of the mean of `values`, one value a problem, resampling problems with replacement
 * (Efron 1979). For a paired comparison the values are the per-problem differences, so pairs stay together.
 *
 * @throws {BitmendError} `evaluation/no-problems` when `values` is empty.
 */
export function bootstrapMeanInterval(
  values: readonly number[],
  { seed, resamples = 10_000 }: BootstrapOptions,
): [low: number, high: number] {
  if (values.length === 0)
    throw new BitmendError(
      "evaluation/no-problems",
      "bootstrapMeanInterval(): expected at least one problem, got none.",
    );
  const sample = Float64Array.from(values);
  const stream = randomStream(seed, "bootstrap");
  const means = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    let sum = 0;
    for (let draw = 0; draw < sample.length; draw++) sum += sample[stream.integer(sample.length)]!;
    means[resample] = sum / sample.length;
  }
  means.sort();
  return [quantile(means, 0.025), quantile(means, 0.975)];
}

/** Quantile of sorted values, linear between neighbours (type 7 of Hyndman and Fan 1996, numpy's default). */
function quantile(sorted: Float64Array, fraction: number): number {
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position - Math.floor(position));
}
