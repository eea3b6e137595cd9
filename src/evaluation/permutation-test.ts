import { randomStream } from "../util/random.ts";

export interface PermutationResult {
  /** Two-sided: the chance of a sum at least as far from 0. */
  readonly p: number;
  /** Signs drawn at random; null where all of them were counted. */
  readonly draws: number | null;
}

/**
 * Paired permutation test over problems: were the signs of the per-problem `differences` a matter of chance, how likely is a sum at least as
 * far from 0 (Fisher 1935, the randomization of paired differences)?
 *
 * Exact where the differences are multiples of one unit, as those of counted samples are: the distribution of the sum is built problem by
 * problem, which counts all 2^n signs without listing them. Otherwise, and where that would take more than 2·10⁸ steps, by `draws` seeded
 * random signs, the observed ones counted in (so that p is never 0). Differences of -1, 0 and 1 give McNemar's exact p.
 */
export function pairedPermutation(
  differences: readonly number[],
  { seed, draws = 20_000 }: { readonly seed: number; readonly draws?: number },
): PermutationResult {
  const sizes = differences.map(Math.abs).filter((size) => size > 0);
  const sum = Math.abs(differences.reduce((total, difference) => total + difference, 0));
  const units = inUnits(sizes);
  if (units !== null) {
    const reach = units.reduce((total, size) => total + size, 0);
    const unit = sizes.length === 0 ? 1 : sizes[0]! / units[0]!;
    if (reach * units.length <= 2e8) return { p: exactTail(units, Math.round(sum / unit)), draws: null };
  }
  return { p: drawnTail(sizes, sum, { seed, draws }), draws };
}

/** `sizes` as whole multiples of one unit 1/q, q up to 10,000 (a common multiple of both numbers of samples); null where there is none. */
function inUnits(sizes: readonly number[]): number[] | null {
  for (let q = 1; q <= 10_000; q++) {
    // Sums of a few thousand quotients carry an error of 1e-13 at most.
    if (sizes.every((size) => Math.abs(size * q - Math.round(size * q)) < 1e-9 * q && size * q > 0.5))
      return sizes.map((size) => Math.round(size * q));
  }
  return null;
}

/** P(|±u₁ ± u₂ ...| >= sum), every sign equally likely, by convolution. */
function exactTail(units: readonly number[], sum: number): number {
  // ways[s]: chance that the units with a plus sign add up to s; the signed sum is then 2 s - reach.
  const reach = units.reduce((total, size) => total + size, 0);
  const chance = new Float64Array(reach + 1);
  chance[0] = 1;
  let end = 0;
  for (const size of units) {
    end += size;
    for (let total = end; total >= 0; total--)
      chance[total] = (chance[total]! + (total >= size ? chance[total - size]! : 0)) / 2;
  }
  let tail = 0;
  for (let total = 0; total <= reach; total++) if (Math.abs(2 * total - reach) >= sum) tail += chance[total]!;
  return Math.min(1, tail);
}

function drawnTail(
  sizes: readonly number[],
  sum: number,
  { seed, draws }: { readonly seed: number; readonly draws: number },
): number {
  const stream = randomStream(seed, "permutation");
  const enough = sum * (1 - 1e-12);
  let asFar = 1;
  for (let draw = 0; draw < draws; draw++) {
    let total = 0;
    for (const size of sizes) total += stream.next() < 0.5 ? size : -size;
    if (Math.abs(total) >= enough) asFar++;
  }
  return asFar / (draws + 1);
}
