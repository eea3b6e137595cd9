import { type DegenerateKind, degenerateKind } from "../grading/degenerate.ts";
import { extractAnswer } from "../grading/extract-answer.ts";
import type { DiagnosisRecord } from "../runs/records.ts";
import type { ExactNumber } from "../grading/exact-number.ts";
import { numericAnswer } from "../grading/numeric-answer.ts";
import { findInFreeText, type StepFinding } from "./diagnose-free-text.ts";
import { type EquationStep, labelledStep, type LabelledStep } from "./labelled-step.ts";
import { statedValues } from "./named-value.ts";
import { questionNumbers } from "./question-numbers.ts";
import { repairedSolution, type RepairSearch } from "./repaired-solution.ts";
import { rightSolution } from "./right-solution.ts";
import { rubric } from "./rubric.ts";
import { solutionSteps } from "./steps.ts";

/** A failing completion and what may be held against it: text only. */
export interface DiagnosisCase {
  readonly question: string;
  /** A completion whose final answer is wrong or missing. */
  readonly completion: string;
  /** Texts of right solutions of the same problem, the most trusted first; may be empty. */
  readonly references: readonly string[];
  /** The right final answer. With it a labelled solution without usable reference is compared with its smallest repair. */
  readonly answer?: string;
  /** Wrong solutions of the same problem by others: they help to choose among references, and may be easier to repair. */
  readonly otherAttempts?: readonly string[];
  /** Why the completion is degenerate, null if it is not, as graded. Default: found out here. */
  readonly degenerate?: DegenerateKind | null;
}

/** A diagnosis without the names of variant and problem. */
export type Diagnosis = Omit<DiagnosisRecord, "variant" | "problem">;

/**
 * Names the first wrong step of a failing completion and its type by the rubric (rubric.ts).
 *
 * `firstWrongStep` is null for degenerate completions, and when every check passes because no right solution is known to compare with.
 */
export function diagnose(solution: DiagnosisCase): Diagnosis {
  const { question, completion, references, degenerate } = solution;
  const steps = solutionSteps(completion).map((step) => step.text);
  const kind = degenerate === undefined ? foundDegenerate(completion) : degenerate;
  if (kind !== null)
    return { steps, firstWrongStep: null, type: "degenerate", evidence: degenerateEvidence[kind] };
  const written = steps.map((step) => labelledStep(step));
  const numbers = questionNumbers(question);
  const stated = statedValues(question);
  const otherAttempts = [...new Set(solution.otherAttempts)].map((text) =>
    solutionSteps(text).map((step) => labelledStep(step.text)),
  );
  const reference = rightSolution({
    references,
    otherAttempts,
    written,
    questionNumbers: numbers,
    statedValues: stated,
  });
  const expected =
    reference ??
    repair(solution.answer, {
      attempts: [written, ...otherAttempts],
      questionNumbers: numbers,
      statedValues: stated,
    });
  const labelled = expected !== null || isLabelled(written);
  const found = labelled
    ? findInLabelledSteps({ steps, written, expected, numbers, stated })
    : findInFreeText({ question, steps, references });
  const { step, type, evidence } = found ?? nothingFound;
  const compared = labelled ? reference !== null : references.length > 0;
  return { steps, firstWrongStep: step, type, evidence: evidence + (compared ? "" : caveat(expected)) };
}

const nothingFound = {
  step: null,
  type: "conceptual-misunderstanding",
  evidence: "every step passes the checks on its own and the answer is wrong",
} as const;

function caveat(repaired: readonly LabelledStep[] | null): string {
  return repaired === null
    ? " (no right solution to compare with)"
    : " (no right solution to compare with; judged by the smallest change that reaches the right answer)";
}

/** The smallest repair of a wrong solution that reaches the right answer, if the answer is known. */
function repair(
  answer: string | undefined,
  search: Omit<RepairSearch, "answer">,
): readonly LabelledStep[] | null {
  const value = answer === undefined ? null : numericAnswer(answer);
  return value === null ? null : repairedSolution({ ...search, answer: value });
}

const degenerateEvidence: Readonly<Record<DegenerateKind, string>> = {
  "not-text": "the output is not text",
  loop: "the output ends in a loop",
  "no-answer": "the output ends without a final answer",
};

function foundDegenerate(completion: string): DegenerateKind | null {
  const verdict = extractAnswer(completion).found ? "incorrect" : "no-answer";
  return degenerateKind({ completion, verdict });
}

/** Whether a text without usable reference is meant to be in labelled form: at least half of its steps are. */
function isLabelled(written: readonly LabelledStep[]): boolean {
  const equations = written.filter((step) => step.kind === "equation").length;
  return equations > 0 && 2 * (equations + 1) >= written.length;
}

function findInLabelledSteps(solution: {
  readonly steps: readonly string[];
  readonly written: readonly LabelledStep[];
  readonly expected: readonly LabelledStep[] | null;
  readonly numbers: readonly ExactNumber[];
  readonly stated: ReadonlyMap<string, ExactNumber>;
}): StepFinding | null {
  const earlier: EquationStep[] = [];
  for (const [index, text] of solution.steps.entries()) {
    const written = solution.written[index]!;
    const context = {
      index,
      text,
      written,
      earlier,
      expected: solution.expected,
      questionNumbers: solution.numbers,
      statedValues: solution.stated,
    };
    for (const { check } of rubric) {
      const finding = check(context);
      if (finding !== null) return { step: index, ...finding };
    }
    if (written.kind === "equation") earlier.push(written);
  }
  return null;
}
