import type { SampleSummary } from "../runs/run-comparison.ts";
import { type AnswerClass, majorityAtK } from "./majority-at-k.ts";
import { passAtK } from "./pass-at-k.ts";
import { meanScore, type SampledProblem } from "./sampled-run.ts";
import { studentInterval } from "./student-interval.ts";
import { wilsonInterval } from "./wilson-interval.ts";

/** Summarizes at least one problem. */
export function summarizeSamples(problems: readonly SampledProblem[]): SampleSummary {
  const samples = Math.min(...problems.map((problem) => problem.samples.length));
  const means = problems.map(meanScore);
  const score = meanOf(means);
  const isBinary = problems.every((problem) =>
    problem.samples.every((one) => one.score === 0 || one.score === 1),
  );
  const counted = isBinary ? powersUpTo(samples) : [];
  return {
    problems: problems.length,
    samples,
    score,
    interval: intervalOf(means),
    passAtK: counted.map((k) => [k, meanOf(problems.map((problem) => problemPassAtK(problem, k)))]),
    majorityAtK: counted.map((k) => [k, meanOf(problems.map((problem) => problemMajorityAtK(problem, k)))]),
  };
}

/** Wilson where every problem is all right or all wrong, since the spread of equal means says nothing; else Student, cut at 0 and 1. */
function intervalOf(means: readonly number[]): [low: number, high: number] {
  if (means.every((mean) => mean === 0 || mean === 1))
    return wilsonInterval(means.filter((mean) => mean === 1).length, means.length);
  const [low, high] = studentInterval(means);
  return [Math.max(0, low), Math.min(1, high)];
}

function problemPassAtK({ samples }: SampledProblem, k: number): number {
  return passAtK(samples.filter(({ score }) => score === 1).length, samples.length, k);
}

/** Right answers are one class however they are written; wrong ones are classes by their text. */
function problemMajorityAtK({ samples }: SampledProblem, k: number): number {
  const votes = new Map<string, { votes: number; correct: boolean }>();
  let silent = 0;
  for (const { score, answer } of samples) {
    const correct = score === 1;
    if (!correct && answer === null) {
      silent++;
      continue;
    }
    const key = correct ? "" : `=${answer!.trim().replaceAll(/\s+/g, " ")}`;
    const entry = votes.get(key) ?? { votes: 0, correct };
    entry.votes++;
    votes.set(key, entry);
  }
  const classes: AnswerClass[] = [...votes.values()];
  return majorityAtK(classes, silent, k);
}

/** 1, 2, 4 ... and `most` itself. */
function powersUpTo(most: number): number[] {
  const powers = [];
  for (let k = 1; k < most; k *= 2) powers.push(k);
  return [...powers, most];
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
