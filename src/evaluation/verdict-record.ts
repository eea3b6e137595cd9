import { degenerateKind } from "../grading/degenerate.ts";
import { gradeNumeric } from "../grading/verdict.ts";
import type { CompletionRecord, VerdictRecord } from "../runs/records.ts";
import type { Problem } from "../tasks/problem.ts";

/** Grades one completion of a numeric task and says whether it is degenerate. */
export function verdictRecord(completion: CompletionRecord, problem: Problem): VerdictRecord {
  const verdict = gradeNumeric({
    completion: completion.text,
    expected: problem.answer,
    finish: completion.finish,
  });
  return {
    variant: completion.variant,
    problem: problem.id,
    verdict: verdict.verdict,
    extracted: verdict.verdict === "no-answer" ? null : verdict.extracted,
    expected: problem.answer,
    degenerate: degenerateKind({ completion: completion.text, verdict: verdict.verdict }),
  };
}
