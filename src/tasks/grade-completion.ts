import { gradeAnswer } from "../grading/math/grade-answer.ts";
import { splitThoughts } from "../grading/thoughts.ts";
import { gradeNumeric } from "../grading/verdict.ts";
import type { CompletionGrader, GradedCompletion } from "./task.ts";

/** Grades a completion by the exact value of its last marked number (`####`, a box, "the answer is"). */
export const gradeByNumber: CompletionGrader = ({ answer }, { text, finish }) => {
  const verdict = gradeNumeric({ completion: text, expected: answer, finish });
  return {
    verdict: verdict.verdict,
    extracted: verdict.verdict === "no-answer" ? null : verdict.extracted,
  };
};

/** Grades a completion by mathematical equivalence, after its thoughts. */
export const gradeByMathematics: CompletionGrader = afterThoughts(({ answer }, text) =>
  gradeAnswer({ gold: answer, answer: text, kind: "math" }),
);

/** Grades a completion by the letter it chooses, after its thoughts. */
export const gradeByChoice: CompletionGrader = afterThoughts(({ answer }, text) =>
  gradeAnswer({ gold: answer, answer: text, kind: "choice" }),
);

/** Grades what comes after the thoughts; a text that ends inside them has no answer, and its grade says so. */
export function afterThoughts(
  grade: (
    problem: Parameters<CompletionGrader>[0],
    answer: string,
  ) => GradedCompletion | Promise<GradedCompletion>,
): CompletionGrader {
  return async (problem, { text, finish }) => {
    const { state, answer } = splitThoughts(text);
    if (state === "open") {
      const reason =
        finish === "length"
          ? "the token limit ended the text inside its thoughts"
          : "the text ends inside its thoughts";
      const truncated = finish === "length" ? ({ thoughtsTruncated: true } as const) : {};
      return { verdict: "no-answer", extracted: null, comparator: null, reason, ...truncated };
    }
    const { verdict, extracted, comparator = null, reason } = await grade(problem, answer);
    return { verdict, extracted, comparator, ...(reason === undefined ? {} : { reason }) };
  };
}
