import { arithmetic } from "./checkers/arithmetic.ts";
import { finalAnswer } from "./checkers/final-answer.ts";
import type { StepContext } from "./checkers/checker.ts";
import { operands } from "./checkers/operands.ts";
import { type EquationStep, type LabelledStep, labelledStep } from "./labelled-step.ts";
import { sameEquation, sameStep } from "./same-equation.ts";
import { solutionSteps } from "./steps.ts";
import type { ExactNumber } from "../grading/exact-number.ts";

export interface SolutionChoice {
  /** Texts of right solutions, the most trusted first. */
  readonly references: readonly string[];
  /** Wrong solutions by others; most of their steps are right, so they have a say in which reference is. */
  readonly otherAttempts: readonly (readonly LabelledStep[])[];
  /** The solution to be judged. */
  readonly written: readonly LabelledStep[];
  readonly questionNumbers: readonly ExactNumber[];
  /** What the question says named things are. */
  readonly statedValues: ReadonlyMap<string, ExactNumber>;
}

/**
 * Of the references in labelled form, the steps of the one to compare a completion with; null when none can be used.
 *
 * A reference with a right final answer may still hold wrong steps. One whose arithmetic, operands or answer line do not check out is
 * not used; of the rest, the one whose steps occur most often in all solutions by others wins, then the one that agrees longest with
 * `written`, then the first. Labels do not change the answer, so each step gets the label that most solutions give it.
 */
export function rightSolution(choice: SolutionChoice): readonly LabelledStep[] | null {
  const { references, otherAttempts, written } = choice;
  const candidates = counted(references).flatMap(({ text, count }) => {
    const texts = solutionSteps(text).map((step) => step.text);
    return checksOut(texts, choice) ? [{ steps: texts.map((step) => labelledStep(step)), count }] : [];
  });
  const voters = [...candidates, ...otherAttempts.map((steps) => ({ steps, count: 1 }))];
  const scored = candidates.map(({ steps }) => ({
    steps,
    support:
      voters.reduce((sum, other) => sum + other.count * sharedSteps(steps, other.steps), 0) / steps.length,
    agreement: agreementLength(steps, written),
  }));
  // Stable sort: among equals the first stays first.
  const [best] = scored.toSorted((a, b) => b.support - a.support || b.agreement - a.agreement);
  return best?.steps.map((step) => withUsualLabel(step, [...voters, { steps: written, count: 1 }])) ?? null;
}

interface Voter {
  readonly steps: readonly LabelledStep[];
  /** How many wrote exactly this. */
  readonly count: number;
}

function counted(texts: readonly string[]): { readonly text: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => ({ text, count }));
}

/** The step under the label that most solutions give its equation; its own wins a tie. */
function withUsualLabel(step: LabelledStep, voters: readonly Voter[]): LabelledStep {
  if (step.kind !== "equation") return step;
  const counts = new Map([[step.label, 0]]);
  for (const { steps, count } of voters)
    for (const other of steps)
      if (other.kind === "equation" && sameEquation(step, other))
        counts.set(other.label, (counts.get(other.label) ?? 0) + count);
  const most = Math.max(...counts.values());
  const usual = [...counts].find(([, count]) => count === most);
  return { ...step, label: usual?.[0] ?? step.label };
}

const sharedSteps = (steps: readonly LabelledStep[], other: readonly LabelledStep[]): number =>
  steps.filter((step) => other.some((otherStep) => sameStep(step, otherStep))).length;

function checksOut(texts: readonly string[], { questionNumbers, statedValues }: SolutionChoice): boolean {
  const earlier: EquationStep[] = [];
  for (const [index, text] of texts.entries()) {
    const written = labelledStep(text);
    if (written.kind === "other" || (written.kind === "answer") !== (index === texts.length - 1))
      return false;
    const context: StepContext = {
      index,
      text,
      written,
      earlier,
      expected: null,
      questionNumbers,
      statedValues,
    };
    if ([operands, arithmetic, finalAnswer].some((checker) => checker.check(context) !== null)) return false;
    if (written.kind === "equation") earlier.push(written);
  }
  return earlier.length > 0;
}

function agreementLength(steps: readonly LabelledStep[], written: readonly LabelledStep[]): number {
  const differing = steps.findIndex((step, index) => !sameStep(step, written[index]));
  return differing < 0 ? steps.length : differing;
}
