import { arithmetic } from "./checkers/arithmetic.ts";
import { finalAnswer } from "./checkers/final-answer.ts";
import type { StepContext } from "./checkers/checker.ts";
import { operands } from "./checkers/operands.ts";
import { type EquationStep, type LabelledStep, labelledStep } from "./labelled-step.ts";
import { sameSolution, sameStep } from "./same-equation.ts";
import { solutionSteps } from "./steps.ts";
import type { ExactNumber } from "../grading/exact-number.ts";

/**
 * Of the `references` in labelled form, the steps of the one to compare a completion with; null when none can be used.
 *
 * A reference with a right final answer may still hold wrong steps; one whose arithmetic, operands or answer line do not check
 * out is not used. The solution most references agree on wins, then the one that agrees longest with `written`, then the first.
 */
export function rightSolution(
  references: readonly string[],
  written: readonly LabelledStep[],
  question: readonly ExactNumber[],
): readonly LabelledStep[] | null {
  const candidates = references
    .map((reference) => solutionSteps(reference).map((step) => step.text))
    .filter((texts) => checksOut(texts, question))
    .map((texts) => texts.map((text) => labelledStep(text)));
  const scored = candidates.map((steps) => ({
    steps,
    votes: candidates.filter((other) => sameSolution(other, steps)).length,
    agreement: agreementLength(steps, written),
  }));
  // Stable sort: among equals the first stays first.
  const [best] = scored.toSorted((a, b) => b.votes - a.votes || b.agreement - a.agreement);
  return best?.steps ?? null;
}

function checksOut(texts: readonly string[], questionNumbers: readonly ExactNumber[]): boolean {
  const earlier: EquationStep[] = [];
  for (const [index, text] of texts.entries()) {
    const written = labelledStep(text);
    if (written.kind === "other" || (written.kind === "answer") !== (index === texts.length - 1))
      return false;
    const context: StepContext = { index, text, written, earlier, expected: null, questionNumbers };
    if ([operands, arithmetic, finalAnswer].some((checker) => checker.check(context) !== null)) return false;
    if (written.kind === "equation") earlier.push(written);
  }
  return earlier.length > 0;
}

function agreementLength(steps: readonly LabelledStep[], written: readonly LabelledStep[]): number {
  const differing = steps.findIndex((step, index) => !sameStep(step, written[index]));
  return differing < 0 ? steps.length : differing;
}
