/** @file The decision list: the rules of every checker in the order they are tried. First match wins, so no case has two types. */
import { arithmetic } from "./checkers/arithmetic.ts";
import type { Checker } from "./checkers/checker.ts";
import { finalAnswer } from "./checkers/final-answer.ts";
import { form } from "./checkers/form.ts";
import { label } from "./checkers/label.ts";
import { operands } from "./checkers/operands.ts";
import { operation } from "./checkers/operation.ts";
import { order } from "./checkers/order.ts";

/** Tried in this order on every step, from the first step on; the first finding is the diagnosis. */
export const rubric: readonly Checker[] = [form, order, operation, operands, arithmetic, label, finalAnswer];

/** The rubric as people read it. */
export function describeRubric(): string {
  const rules = [
    "The completion is degenerate by rule: degenerate, no step is named.",
    ...rubric.map((checker) => checker.rule),
  ];
  return rules.map((rule, index) => `${index + 1}. ${rule}`).join("\n");
}
