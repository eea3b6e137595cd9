import type { CompletionAgreement, PairedResult, RunComparison } from "../runs/run-comparison.ts";
import { BitmendError } from "../util/errors.ts";
import { bootstrapMeanInterval } from "./bootstrap-interval.ts";
import { completionAgreement } from "./completion-agreement.ts";
import { flips } from "./flips.ts";
import { flipsByGroup } from "./flips-by-group.ts";
import { holmAdjusted } from "./holm.ts";
import { mcnemarExactP } from "./mcnemar.ts";
import { outputShape } from "./output-shape.ts";
import { pairedPermutation } from "./permutation-test.ts";
import { differenceFound, pairedSpread, problemsNeeded, samplesNeeded } from "./power.ts";
import { summarizeSamples } from "./sample-summary.ts";
import { isSolved, meanScore, type SampledProblem, type SampledRun } from "./sampled-run.ts";

export interface CompareRunsOptions {
  readonly seed: number;
  /** The difference that power is stated for, fraction of 1. */
  readonly difference: number;
  /** Cuts texts into tokens, so that they are compared by these. Default: by characters. */
  readonly encode?: ((text: string) => readonly number[]) | undefined;
}

/**
 * Compares runs with a baseline on the same problems, in the same order.
 *
 * One right or wrong sample a problem is tested by McNemar's exact test, anything else by a paired permutation of problem means.
 *
 * @throws {BitmendError} `evaluation/unpaired` unless all have the same problems in the same order, `evaluation/no-problems`.
 */
export function compareRuns(
  baseline: SampledRun,
  others: readonly SampledRun[],
  options: CompareRunsOptions,
): RunComparison[] {
  for (const other of others) refuseUnpaired(baseline, other);
  const results = others.map((other) => pairedResult(baseline.problems, other.problems, options));
  const holm = holmAdjusted(results.map(({ p }) => p));
  return [
    described(baseline, null),
    ...others.map((other, index) => described(other, { ...results[index]!, holmP: holm[index]! })),
  ];
}

function described({ name, problems }: SampledRun, paired: PairedResult | null): RunComparison {
  return { name, summary: summarizeSamples(problems), paired, shape: outputShape(problems) };
}

function pairedResult(
  before: readonly SampledProblem[],
  after: readonly SampledProblem[],
  { seed, difference, encode }: CompareRunsOptions,
): PairedResult {
  const differences = before.map((problem, index) => meanScore(problem) - meanScore(after[index]!));
  const ids = before.map(({ id }) => id);
  const solved = (problems: readonly SampledProblem[]): ReadonlyMap<string, boolean> =>
    new Map(problems.map((problem, index) => [ids[index]!, isSolved(problem)]));
  const [solvedBefore, solvedAfter] = [solved(before), solved(after)];
  const { lost, won, bothCorrect, bothWrong } = flips(ids, solvedBefore, solvedAfter);
  const isBinary =
    differences.every((each) => Number.isInteger(each)) && [...before, ...after].every(isOneAnswer);
  const permutation = isBinary ? null : pairedPermutation(differences, { seed });
  const p = permutation === null ? mcnemarExactP(lost.length, won.length) : permutation.p;
  const spread = pairedSpread(before.map((problem, index) => [scoresOf(problem), scoresOf(after[index]!)]));
  const samples = Math.min(...[...before, ...after].map((problem) => problem.samples.length));
  return {
    drop: differences.reduce((sum, each) => sum + each, 0) / differences.length,
    dropInterval: bootstrapMeanInterval(differences, { seed }),
    p,
    test:
      permutation === null
        ? "mcnemar-exact"
        : permutation.draws === null
          ? "permutation-exact"
          : "permutation-drawn",
    holmP: p,
    lost,
    won,
    bothSolved: bothCorrect.length,
    neitherSolved: bothWrong.length,
    bySubject: flipsByGroup(before, {
      before: solvedBefore,
      after: solvedAfter,
      groupOf: ({ subject }) => subject,
    }),
    byLevel: flipsByGroup(before, {
      before: solvedBefore,
      after: solvedAfter,
      groupOf: ({ level }) => level,
    }),
    power: {
      difference,
      problems: problemsNeeded(difference, spread, samples),
      samples: samplesNeeded(difference, spread, before.length),
      found: differenceFound(before.length, spread, samples),
    },
    agreement: agreementOf(before, after, encode),
  };
}

function isOneAnswer({ samples: [first, ...rest] }: SampledProblem): boolean {
  return rest.length === 0 && (first?.score === 0 || first?.score === 1);
}

function scoresOf({ samples }: SampledProblem): number[] {
  return samples.map(({ score }) => score);
}

function agreementOf(
  before: readonly SampledProblem[],
  after: readonly SampledProblem[],
  encode: CompareRunsOptions["encode"],
): CompletionAgreement | null {
  const pairs = before.flatMap((problem, index): [string, string][] => {
    const [left, right] = [problem.samples[0]?.text ?? null, after[index]!.samples[0]?.text ?? null];
    return left === null || right === null ? [] : [[left, right]];
  });
  if (pairs.length === 0) return null;
  return encode === undefined
    ? completionAgreement(pairs, "characters")
    : completionAgreement(
        pairs.map(([left, right]) => [encode(left), encode(right)] as const),
        "tokens",
      );
}

function refuseUnpaired(baseline: SampledRun, other: SampledRun): void {
  if (baseline.problems.length === 0)
    throw new BitmendError(
      "evaluation/no-problems",
      "compareRuns(): expected at least one problem, got none.",
    );
  const differ = baseline.problems.findIndex(({ id }, index) => other.problems[index]?.id !== id);
  if (differ < 0 && baseline.problems.length === other.problems.length) return;
  throw new BitmendError(
    "evaluation/unpaired",
    `compareRuns(): expected ${other.name} on the problems of ${baseline.name} in their order, got ${other.problems.length} of ${baseline.problems.length}, the first difference at ${Math.max(0, differ)}.`,
    { hint: "Bring both to the problems that they share first." },
  );
}
