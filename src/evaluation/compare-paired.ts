import type { ComparisonRecord, Variant, VerdictRecord } from "../runs/records.ts";
import type { Problem } from "../tasks/problem.ts";
import { BitmendError } from "../util/errors.ts";
import { bootstrapMeanInterval } from "./bootstrap-interval.ts";
import { type CorrectById, flips } from "./flips.ts";
import { mcnemarExactP } from "./mcnemar.ts";
import { wilsonInterval } from "./wilson-interval.ts";

export interface PairedComparison {
  readonly variant: Variant;
  /** What both were asked; every one must be graded in both lists. */
  readonly problems: readonly Problem[];
  /** Verdicts of full precision. */
  readonly baseline: readonly VerdictRecord[];
  /** Verdicts of `variant`; other variants' verdicts must not be among them. */
  readonly verdicts: readonly VerdictRecord[];
  /** Seed of the bootstrap. */
  readonly seed: number;
}

/**
 * Measures one variant against full precision on the same problems.
 *
 * @throws {BitmendError} `evaluation/unpaired` when a verdict is missing, `evaluation/no-problems` when there is no problem,
 * `evaluation/mixed-variants` when a list holds verdicts of more than one variant.
 */
export function comparePaired({
  variant,
  problems,
  baseline,
  verdicts,
  seed,
}: PairedComparison): ComparisonRecord {
  const before = correctById(baseline);
  const after = correctById(verdicts);
  const ids = problems.map((problem) => problem.id);
  const { lost, won, bothCorrect, bothWrong } = flips(ids, before, after);
  const n = ids.length;
  const dropInterval = bootstrapMeanInterval(
    ids.map((id) => Number(before.get(id)) - Number(after.get(id))),
    { seed },
  );
  const correct = bothCorrect.length + won.length;
  const drop = (lost.length - won.length) / n;
  const baselineAccuracy = (bothCorrect.length + lost.length) / n;
  const asked = new Set(ids);
  return {
    variant,
    n,
    accuracy: correct / n,
    interval: wilsonInterval(correct, n),
    lost: [...lost],
    won: [...won],
    bothCorrect: bothCorrect.length,
    bothWrong: bothWrong.length,
    degenerate: verdicts.filter((verdict) => asked.has(verdict.problem) && verdict.degenerate !== null)
      .length,
    drop,
    relativeDrop: baselineAccuracy === 0 ? 0 : drop / baselineAccuracy,
    dropInterval,
    mcnemarP: mcnemarExactP(lost.length, won.length),
    bySubject: accuracyBy(problems, after, (problem) => problem.subject),
    byLevel: accuracyBy(problems, after, (problem) => problem.level?.toString()),
  };
}

function correctById(verdicts: readonly VerdictRecord[]): CorrectById {
  const variants = new Set(verdicts.map((verdict) => verdict.variant));
  if (variants.size > 1)
    throw new BitmendError(
      "evaluation/mixed-variants",
      `comparePaired(): expected verdicts of one variant, got ${[...variants].join(", ")}.`,
      { hint: "Filter the records by variant first." },
    );
  return new Map(verdicts.map((verdict) => [verdict.problem, verdict.verdict === "correct"]));
}

/** [name, correct, n] of every group, names in natural order; problems without the property are left out. */
function accuracyBy(
  problems: readonly Problem[],
  correct: CorrectById,
  groupOf: (problem: Problem) => string | undefined,
): [string, number, number][] {
  const groups = new Map<string, [string, number, number]>();
  for (const problem of problems) {
    const name = groupOf(problem);
    if (name === undefined) continue;
    const group = groups.get(name) ?? [name, 0, 0];
    group[1] += correct.get(problem.id) === true ? 1 : 0;
    group[2]++;
    groups.set(name, group);
  }
  return [...groups.values()].toSorted(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
}
