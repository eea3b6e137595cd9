/**
 * @file A right solution found without a reference: the smallest repair of a wrong one that ends at the right answer.
 *
 * Arithmetic is done anew and carried through the later steps; where that is not enough, one operand or operator is exchanged for
 * another one the text offers. Several repairs can reach the answer, so a repair is used only where no right solution is known.
 */
import { equals, type ExactNumber } from "../grading/exact-number.ts";
import { type EquationStep, equationValue, type LabelledStep, type Operator } from "./labelled-step.ts";
import { sameSolution } from "./same-equation.ts";

/** An operand as a number of its own, or as the result of an earlier step (index). */
type Source = { readonly value: ExactNumber } | { readonly step: number };

interface Plan {
  readonly label: string;
  readonly left: Source;
  readonly operator: Operator;
  readonly right: Source;
}

export interface RepairSearch {
  /** Wrong solutions of one problem, read in labelled form; those in another form are passed over. */
  readonly attempts: readonly (readonly LabelledStep[])[];
  readonly questionNumbers: readonly ExactNumber[];
  /** The right final answer. */
  readonly answer: ExactNumber;
}

/** The repair most attempts agree on, arithmetic alone before one exchange, earlier steps first; null when none is found. */
export function repairedSolution(search: RepairSearch): readonly LabelledStep[] | null {
  const plans = search.attempts.flatMap((attempt) => planOf(attempt) ?? []);
  const solved = (candidates: readonly (readonly Plan[])[]): (readonly LabelledStep[])[] =>
    candidates.flatMap((candidate) => solve(candidate, search.answer) ?? []);
  const arithmetic = solved(plans.map(({ steps }) => steps));
  if (arithmetic.length > 0) return mostFrequent(arithmetic);
  return mostFrequent(solved(plans.flatMap(({ steps }) => exchanges(steps, search.questionNumbers))));
}

/** Reads where every operand comes from; wrapped so that `flatMap` keeps the steps together. */
function planOf(attempt: readonly LabelledStep[]): { readonly steps: readonly Plan[] } | null {
  const equations: EquationStep[] = [];
  const steps: Plan[] = [];
  for (const step of attempt.slice(0, -1)) {
    if (step.kind !== "equation") return null;
    const source = (value: ExactNumber): Source => {
      const from = equations.findLastIndex((earlier) => equals(earlier.result, value));
      return from < 0 ? { value } : { step: from };
    };
    steps.push({
      label: step.label,
      left: source(step.left),
      operator: step.operator,
      right: source(step.right),
    });
    equations.push(step);
  }
  return steps.length > 0 && attempt.at(-1)?.kind === "answer" ? { steps } : null;
}

/** Computes a plan, null when it does not end at the answer; wrapped in a list for the same reason. */
function solve(plan: readonly Plan[], answer: ExactNumber): [LabelledStep[]] | null {
  const steps: EquationStep[] = [];
  for (const { label, left, operator, right } of plan) {
    const valueOf = (source: Source): ExactNumber =>
      "step" in source ? steps[source.step]!.result : source.value;
    const unsolved = {
      kind: "equation",
      label,
      left: valueOf(left),
      operator,
      right: valueOf(right),
      result: answer,
    } as const;
    const result = equationValue(unsolved);
    if (result === null) return null;
    steps.push({ ...unsolved, result });
  }
  return equals(steps.at(-1)!.result, answer) ? [[...steps, { kind: "answer", value: answer }]] : null;
}

const operators: readonly Operator[] = ["+", "-", "*", "/"];

/** Every plan that differs in one operator, in one operand, or in the order of the operands of one step. */
function exchanges(plan: readonly Plan[], questionNumbers: readonly ExactNumber[]): Plan[][] {
  return plan.flatMap((step, index) => {
    const sources: Source[] = [
      ...questionNumbers.map((value) => ({ value })),
      ...Array.from({ length: index }, (_, earlier) => ({ step: earlier })),
    ];
    const alternatives: Plan[] = [
      ...sources.flatMap((source) => [
        { ...step, left: source },
        { ...step, right: source },
      ]),
      ...operators.map((operator) => ({ ...step, operator })),
      { ...step, left: step.right, right: step.left },
    ];
    return alternatives.map((alternative) => plan.with(index, alternative));
  });
}

function mostFrequent(solutions: readonly (readonly LabelledStep[])[]): readonly LabelledStep[] | null {
  const votes = solutions.map(
    (solution) => solutions.filter((other) => sameSolution(other, solution)).length,
  );
  return solutions[votes.indexOf(Math.max(...votes))] ?? null;
}
