import { agreement, type Agreement } from "../../diagnosis/agreement.ts";
import { comparePaired } from "../../evaluation/compare-paired.ts";
import type { Evaluation } from "../../evaluation/evaluate-variant.ts";
import type { ComparisonRecord, DiagnosisRecord, Variant } from "../../runs/records.ts";
import { pocketProblems } from "../../tasks/pocket/pocket-problems.ts";
import { truthDiagnosis } from "../../tasks/pocket/truth.ts";
import { writeFileAtomically } from "../../util/atomic-file.ts";
import { recordPath, type RunContext } from "./context.ts";

/** One variant and what it answered. */
export interface Measured {
  readonly variant: Variant;
  readonly evaluation: Evaluation;
}

/** Compares every variant with full precision, the first of `measured`, and writes comparisons.json. */
export function concludeComparisons(context: RunContext, measured: readonly Measured[]): ComparisonRecord[] {
  const baseline = measured[0]!.evaluation.verdicts;
  const comparisons = measured.map(({ variant, evaluation: { verdicts } }) =>
    comparePaired({ variant, problems: context.problems, baseline, verdicts, seed: context.recipe.seed }),
  );
  writeFileAtomically(recordPath(context, "comparisons.json"), `${JSON.stringify(comparisons, null, 1)}\n`);
  return comparisons;
}

/**
 * How far the text-only diagnoses agree with the truth, where the task knows it; null where it does not.
 *
 * Disagreements are written to disagreements.json.
 */
export function concludeAgreement(
  context: Pick<RunContext, "directory" | "recipe" | "problems">,
  input: { readonly measured: readonly Measured[]; readonly diagnoses: readonly DiagnosisRecord[] },
): Agreement | null {
  const { recipe, problems } = context;
  if (recipe.task !== "pocket") return null;
  const { split, seed } = recipe;
  const truth = new Map(
    pocketProblems({ split, seed, count: problems.length }).map((problem) => [problem.id, problem]),
  );
  const texts = new Map(
    input.measured.flatMap(({ variant, evaluation }) =>
      evaluation.completions.map(({ problem, text }) => [`${variant.name} ${problem}`, text]),
    ),
  );
  const labels = input.diagnoses.map(({ variant, problem, type }) => {
    // What is degenerate is decided by one rule before any step is judged, for both sides.
    if (type === "degenerate") return { variant, problem, firstWrongStep: null, type };
    const label = truthDiagnosis(truth.get(problem)!, texts.get(`${variant} ${problem}`) ?? "");
    return {
      variant,
      problem,
      firstWrongStep: label?.firstWrongStep ?? null,
      type: label?.type ?? ("conceptual-misunderstanding" as const),
    };
  });
  const result = agreement(input.diagnoses, labels);
  const path = recordPath(context, "disagreements.json");
  writeFileAtomically(path, `${JSON.stringify(result.disagreements, null, 1)}\n`);
  return result;
}
