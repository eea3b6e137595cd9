import { BitmendError } from "../util/errors.ts";
import { equals } from "./exact-number.ts";
import { type AnswerMark, extractAnswer } from "./extract-answer.ts";
import { numericAnswer } from "./numeric-answer.ts";

/** Outcome of grading one completion. Discriminated by `verdict`, so a `switch` must cover every case. */
export type Verdict =
  | { readonly verdict: "correct"; readonly extracted: string; readonly mark: AnswerMark }
  | {
      readonly verdict: "incorrect";
      readonly extracted: string;
      readonly mark: AnswerMark;
      readonly expected: string;
      readonly reason: "different-value" | "not-a-number";
    }
  | {
      readonly verdict: "no-answer";
      readonly expected: string;
      /** `truncated`: no mark, and the token limit ended the text; `unclosed-box`, `empty`: a mark without an answer. */
      readonly reason: "no-mark" | "truncated" | "unclosed-box" | "empty";
    };

export interface NumericGrading {
  readonly completion: string;
  /** The right answer, a number in any spelling {@link numericAnswer} reads. */
  readonly expected: string;
  /** How generation ended; only the reason of a missing answer depends on it. Default: "stop". */
  readonly finish?: "stop" | "length";
  /** Default: `defaultAnswerMarks`, without the last-number guess. */
  readonly marks?: readonly AnswerMark[];
}

/**
 * Grades a completion of a numeric task by the exact value of its final answer.
 *
 * @throws {BitmendError} `grading/expected-not-a-number` when the task's own answer is no number.
 */
export function gradeNumeric({ completion, expected, finish = "stop", marks }: NumericGrading): Verdict {
  const right = numericAnswer(expected);
  if (right === null)
    throw new BitmendError(
      "grading/expected-not-a-number",
      `gradeNumeric(): expected a number as the right answer, got ${JSON.stringify(expected)}.`,
      { hint: "Numeric grading fits numeric tasks only; check the problem's answer." },
    );
  const extraction = extractAnswer(completion, marks);
  if (!extraction.found) {
    const reason = extraction.reason === "no-mark" && finish === "length" ? "truncated" : extraction.reason;
    return { verdict: "no-answer", expected, reason };
  }
  const { text: extracted, mark } = extraction;
  const value = numericAnswer(extracted);
  if (value === null) return { verdict: "incorrect", extracted, mark, expected, reason: "not-a-number" };
  return equals(value, right)
    ? { verdict: "correct", extracted, mark }
    : { verdict: "incorrect", extracted, mark, expected, reason: "different-value" };
}

/** 1 for correct, 0 otherwise; a missing answer is wrong. */
export function score(result: Verdict): 0 | 1 {
  switch (result.verdict) {
    case "correct":
      return 1;
    case "incorrect":
    case "no-answer":
      return 0;
    default:
      return result satisfies never;
  }
}
