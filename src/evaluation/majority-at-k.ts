import { BitmendError } from "../util/errors.ts";

/** Beyond, binomial coefficients leave float64. */
const mostSamples = 1000;

/** Samples of one problem that vote for the same answer. */
export interface AnswerClass {
  readonly votes: number;
  readonly correct: boolean;
}

/**
 * maj@k of one problem: the chance that the most frequent answer among `k` of the samples, drawn without replacement, is right.
 *
 * Exact, no subset is drawn: of every class, the chance to get j votes while no other gets more, ties decided by lot. Samples without an
 * answer (`silent`) do not vote; where none votes, the problem is not solved.
 *
 * @throws {BitmendError} `evaluation/bad-counts` unless votes are counts and 1 <= k <= samples <= 1,000.
 */
export function majorityAtK(classes: readonly AnswerClass[], silent: number, k: number): number {
  const votes = classes.map((one) => one.votes);
  const samples = votes.reduce((sum, each) => sum + each, silent);
  if (
    [silent, k, ...votes].some((count) => !Number.isSafeInteger(count) || count < 0) ||
    k < 1 ||
    k > samples ||
    samples > mostSamples
  )
    throw new BitmendError(
      "evaluation/bad-counts",
      `majorityAtK(): expected counts of votes and 1 <= k <= samples <= ${mostSamples}, got votes ${votes.join(", ") || "of none"}, ${silent} without an answer, k=${k}.`,
    );
  let chance = 0;
  for (const [index, { votes: own, correct }] of classes.entries()) {
    if (!correct) continue;
    const others = votes.toSpliced(index, 1);
    for (let top = 1; top <= Math.min(own, k); top++)
      chance += choose(own, top) * waysToLose(others, { silent, top, left: k - top });
  }
  return Math.min(1, chance / choose(samples, k));
}

interface Rest {
  readonly silent: number;
  /** Votes of the class that wins. */
  readonly top: number;
  /** Samples that the others give. */
  readonly left: number;
}

/** Ways to take `left` samples from the others so that none of their classes has more than `top`; t that have as many count 1 / (t + 1). */
function waysToLose(others: readonly number[], { silent, top, left }: Rest): number {
  const mostTies = Math.floor(left / top);
  const width = mostTies + 1;
  // ways[taken * width + ties]
  let ways = new Float64Array((left + 1) * width);
  ways[0] = 1;
  for (const size of others) {
    const next = new Float64Array(ways.length);
    for (let taken = 0; taken <= left; taken++)
      for (let ties = 0; ties <= mostTies; ties++) {
        const before = ways[taken * width + ties]!;
        if (before === 0) continue;
        for (let more = 0; more <= Math.min(size, top, left - taken); more++)
          next[(taken + more) * width + ties + (more === top ? 1 : 0)]! += before * choose(size, more);
      }
    ways = next;
  }
  let sum = 0;
  for (let taken = Math.max(0, left - silent); taken <= left; taken++)
    for (let ties = 0; ties <= mostTies; ties++)
      sum += (ways[taken * width + ties]! * choose(silent, left - taken)) / (ties + 1);
  return sum;
}

/** Rows of Pascal's triangle so far, float64. */
const triangle: Float64Array[] = [];

function choose(from: number, taken: number): number {
  for (let row = triangle.length; row <= from; row++) {
    const next = new Float64Array(row + 1).fill(1);
    for (let index = 1; index < row; index++)
      next[index] = triangle[row - 1]![index - 1]! + triangle[row - 1]![index]!;
    triangle.push(next);
  }
  return triangle[from]![taken] ?? 0;
}
