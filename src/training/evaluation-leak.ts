import { BitmendError } from "../util/errors.ts";

/** A problem as far as its text goes. */
export interface QuestionText {
  readonly id: string;
  readonly question: string;
}

/** The text with case, spacing, punctuation around words and Unicode variants of characters taken away; numbers and operators stay. */
export function normalizedQuestion(question: string): string {
  return question
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/(?<!\d)[.,;:!?'"`]+|[.,;:!?'"`]+(?!\d)/gv, " ")
    .replaceAll(/\s+/gv, " ")
    .trim();
}

/**
 * Refuses training, calibration or medicine problems whose normalised text is that of an evaluation problem.
 *
 * @throws {BitmendError} `training/evaluation-leak` counting them and naming the first ones.
 */
export function refuseEvaluationProblems(
  learned: readonly QuestionText[],
  evaluation: readonly QuestionText[],
): void {
  const reserved = new Map(evaluation.map(({ id, question }) => [normalizedQuestion(question), id]));
  const leaks = learned.flatMap(({ id, question }) => {
    const twin = reserved.get(normalizedQuestion(question));
    return twin === undefined ? [] : [`${id} = ${twin}`];
  });
  if (leaks.length === 0) return;
  const named = leaks.slice(0, 5).join(", ");
  const rest = leaks.length > 5 ? `, and ${leaks.length - 5} more` : "";
  throw new BitmendError(
    "training/evaluation-leak",
    `refuseEvaluationProblems(): expected no evaluation problem among the training problems, got ${named}${rest}.`,
    { hint: "Take training problems from the training split, or remove these." },
  );
}
