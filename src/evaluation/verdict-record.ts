import { degenerateKind } from "../grading/degenerate.ts";
import type { CompletionRecord, VerdictRecord } from "../runs/records.ts";
import type { Problem } from "../tasks/problem.ts";
import type { CompletionGrader } from "../tasks/task.ts";

/** Grades one completion as its task does, and says whether it is degenerate. */
export async function verdictRecord(
  completion: CompletionRecord,
  { problem, grade }: { readonly problem: Problem; readonly grade: CompletionGrader },
): Promise<VerdictRecord> {
  const { verdict, extracted, ...reasons } = await grade(problem, completion);
  return {
    variant: completion.variant,
    problem: problem.id,
    ...(completion.sample === undefined ? {} : { sample: completion.sample }),
    verdict,
    extracted,
    expected: problem.answer,
    ...reasons,
    degenerate: degenerateKind({ completion: completion.text, verdict }),
  };
}
