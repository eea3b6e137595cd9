import type { Problem } from "../problem.ts";

/** The kinds of problems, in the order in which they are drawn. */
export const pocketFamilies = [
  "shopping",
  "rates",
  "fractions",
  "ages",
  "equations",
  "units",
  "sequences",
  "sharing",
] as const;
export type PocketFamily = (typeof pocketFamilies)[number];

/** A problem of level L takes L + 1 steps. */
export const pocketLevels = [1, 2, 3, 4, 5] as const;
export type PocketLevel = (typeof pocketLevels)[number];

export type Operator = "+" | "-" | "*" | "/";

/** A number of a step and where it comes from: the question's text, or the result of an earlier step (index, 0 upwards). */
export interface Operand {
  readonly value: number;
  readonly source: "problem" | number;
}

/** One step of the canonical solution: `label: left operator right=result`. */
export interface PlanStep {
  readonly label: string;
  readonly left: Operand;
  readonly operator: Operator;
  readonly right: Operand;
  readonly result: number;
}

/** A generated word problem with its whole truth. */
export interface PocketProblem extends Problem {
  readonly subject: PocketFamily;
  readonly level: PocketLevel;
  /** The steps of the solution in their only canonical order; the last result is the answer. */
  readonly plan: readonly PlanStep[];
  /** The plan as text, one step a line, then `#### answer`. */
  readonly solution: string;
}
