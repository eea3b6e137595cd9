import { equals } from "../grading/exact-number.ts";
import type { EquationStep, LabelledStep } from "./labelled-step.ts";

/** Whether both have the same two operands in this order. */
function sameOrder(a: EquationStep, b: EquationStep): boolean {
  return equals(a.left, b.left) && equals(a.right, b.right);
}

/** Whether both have the same two operands in either order. */
export function sameOperands(a: EquationStep, b: EquationStep): boolean {
  return sameOrder(a, b) || (equals(a.left, b.right) && equals(a.right, b.left));
}

/** Whether both compute the same: equal operator and operands, swapped allowed for + and *; label and result do not count. */
export function sameEquation(a: EquationStep, b: EquationStep): boolean {
  if (a.operator !== b.operator) return false;
  return sameOrder(a, b) || (isCommutative(a) && sameOperands(a, b));
}

/** Whether the operands of the step may change places. */
export function isCommutative({ operator }: EquationStep): boolean {
  return operator === "+" || operator === "*";
}

/** Whether both steps say the same: equal equation and label, or equal answer. */
export function sameStep(a: LabelledStep | undefined, b: LabelledStep | undefined): boolean {
  if (a?.kind === "equation" && b?.kind === "equation") return a.label === b.label && sameEquation(a, b);
  return (
    a?.kind === "answer" &&
    b?.kind === "answer" &&
    a.value !== null &&
    b.value !== null &&
    equals(a.value, b.value)
  );
}

/** Whether two solutions have the same steps. */
export function sameSolution(a: readonly LabelledStep[], b: readonly LabelledStep[]): boolean {
  return a.length === b.length && a.every((step, index) => sameStep(step, b[index]));
}
