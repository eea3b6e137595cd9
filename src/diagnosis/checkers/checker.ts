import type { ExactNumber } from "../../grading/exact-number.ts";
import type { ErrorType } from "../../runs/records.ts";
import type { EquationStep, LabelledStep } from "../labelled-step.ts";

/** One written step and everything a checker may compare it with. All of it was read from text. */
export interface StepContext {
  /** 0-based place of the step; the same place in `expected` is what a right solution writes there. */
  readonly index: number;
  /** The step as written. */
  readonly text: string;
  readonly written: LabelledStep;
  /** The equations written before, all found right. */
  readonly earlier: readonly EquationStep[];
  /** The steps of a right solution; null when no right solution is known. */
  readonly expected: readonly LabelledStep[] | null;
  /** Every number the question states. */
  readonly questionNumbers: readonly ExactNumber[];
  /** What the question says named things are. */
  readonly statedValues: ReadonlyMap<string, ExactNumber>;
}

/** An error found in a step. */
export interface Finding {
  readonly type: ErrorType;
  /** What is written and what would be right, in words. */
  readonly evidence: string;
}

/** One rule of the printed rubric. */
export interface Checker {
  /** The rule in words, as the rubric prints it. */
  readonly rule: string;
  readonly check: (context: StepContext) => Finding | null;
}

/** "step 3", counted from 1 as people do. */
export function stepName(index: number): string {
  return `step ${index + 1}`;
}
