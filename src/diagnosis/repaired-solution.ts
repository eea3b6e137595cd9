/**
 * @file A right solution found without a reference: the smallest repair of a wrong one that ends at the right answer.
 *
 * First every step does what it says: arithmetic anew, a quantity that the label names as operand, results carried through the later
 * steps. Where that is not enough, one operand or operator is exchanged for another one the text offers. Several repairs can reach the answer, so a repair is used only where no right solution is known.
 */
import { equals, type ExactNumber } from "../grading/exact-number.ts";
import { type EquationStep, equationValue, type LabelledStep, type Operator } from "./labelled-step.ts";
import { namedValue } from "./named-value.ts";
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
  /** What the question says named things are. */
  readonly statedValues: ReadonlyMap<string, ExactNumber>;
  /** The right final answer. */
  readonly answer: ExactNumber;
}

/** The repair most attempts agree on, without an exchange if possible, else with one, earlier steps first; null when none is found. */
export function repairedSolution(search: RepairSearch): readonly LabelledStep[] | null {
  const plans = search.attempts.flatMap((attempt) => planOf(attempt, search.statedValues) ?? []);
  const solved = (candidates: readonly (readonly Plan[])[]): (readonly LabelledStep[])[] =>
    candidates.flatMap((candidate) => solve(candidate, search.answer) ?? []);
  const unchanged = solved(plans.map(({ steps }) => steps));
  if (unchanged.length > 0) return mostFrequent(unchanged);
  return mostFrequent(solved(plans.flatMap(({ steps }) => exchanges(steps, search.questionNumbers))));
}

/** Reads where every operand comes from; wrapped so that `flatMap` keeps the steps together. */
function planOf(
  attempt: readonly LabelledStep[],
  stated: ReadonlyMap<string, ExactNumber>,
): { readonly steps: readonly Plan[] } | null {
  const equations: EquationStep[] = [];
  const steps: Plan[] = [];
  for (const step of attempt.slice(0, -1)) {
    if (step.kind !== "equation") return null;
    const { label, operator } = step;
    steps.push({
      label,
      operator,
      right: sourceOf(step.right, equations),
      left: leftSource(step, equations, stated),
    });
    equations.push(step);
  }
  return steps.length > 0 && attempt.at(-1)?.kind === "answer" ? { steps } : null;
}

function sourceOf(value: ExactNumber, earlier: readonly EquationStep[]): Source {
  const step = earlier.findLastIndex((before) => equals(before.result, value));
  return step < 0 ? { value } : { step };
}

/** Where the left operand comes from; a quantity that the label names stands there unless it stands on the right. */
function leftSource(
  { label, left, right }: EquationStep,
  earlier: readonly EquationStep[],
  stated: ReadonlyMap<string, ExactNumber>,
): Source {
  const named = namedValue(label, earlier, stated);
  if (named === null || equals(right, named.value)) return sourceOf(left, earlier);
  return named.step === null ? { value: named.value } : { step: named.step };
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
