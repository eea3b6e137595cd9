import { equals, type ExactNumber, formatExactNumber } from "../../grading/exact-number.ts";
import { type EquationStep, formatOperation } from "../labelled-step.ts";
import { namedValue } from "../named-value.ts";
import { isCommutative, sameEquation } from "../same-equation.ts";
import { type Checker, type Finding, type StepContext, stepName } from "./checker.ts";

/** Numbers must come from the question or an earlier step, and be the ones this step needs. */
export const operands: Checker = {
  rule:
    "One operand is wrong: symbolic-manipulation-error when its value stands neither in the question nor as an earlier result (miscopied), " +
    "else logical-reasoning-error when the right one is an earlier result, else contextual-oversight. " +
    "Both operands, or one and the operator, are wrong: conceptual-misunderstanding.",
  check: (context) => {
    const { index, written, expected } = context;
    if (written.kind !== "equation") return null;
    const due = expected?.[index];
    if (due?.kind === "equation") return againstRightStep(context, written, due);
    return expected === null ? againstKnownNumbers(context, written) : null;
  },
};

function againstRightStep(context: StepContext, written: EquationStep, due: EquationStep): Finding | null {
  if (sameEquation(written, due)) return null;
  const head = `${stepName(context.index)} computes ${formatOperation(written)}; right is ${formatOperation(due)}`;
  const wrong = singleWrongOperand(written, due);
  if (wrong === null) return { type: "conceptual-misunderstanding", evidence: head };
  const [used, needed] = [formatExactNumber(wrong.used), formatExactNumber(wrong.needed)];
  if (!isKnown(wrong.used, context))
    return {
      type: "symbolic-manipulation-error",
      evidence: `${head}: ${used} stands neither in the problem nor as an earlier result`,
    };
  const source = context.earlier.findIndex((step) => equals(step.result, wrong.needed));
  return source >= 0
    ? {
        type: "logical-reasoning-error",
        evidence: `${head}: ${used} is taken instead of ${needed}, the result of ${stepName(source)}`,
      }
    : {
        type: "contextual-oversight",
        evidence: `${head}: ${used} is taken instead of ${needed}, which the problem states`,
      };
}

/** The one operand that differs, null unless the operator and exactly the other operand are right. */
function singleWrongOperand(
  written: EquationStep,
  due: EquationStep,
): { used: ExactNumber; needed: ExactNumber } | null {
  if (written.operator !== due.operator) return null;
  if (equals(written.left, due.left)) return { used: written.right, needed: due.right };
  if (equals(written.right, due.right)) return { used: written.left, needed: due.left };
  if (!isCommutative(written)) return null;
  if (equals(written.left, due.right)) return { used: written.right, needed: due.left };
  if (equals(written.right, due.left)) return { used: written.left, needed: due.right };
  return null;
}

/** Without a right step: every number must be known, and a quantity that the label names must be used. */
function againstKnownNumbers(context: StepContext, written: EquationStep): Finding | null {
  const unknown = [written.left, written.right].find((operand) => !isKnown(operand, context));
  if (unknown !== undefined)
    return {
      type: "symbolic-manipulation-error",
      evidence: `${stepName(context.index)} uses ${formatExactNumber(unknown)}, which stands neither in the problem nor as an earlier result`,
    };
  const named = namedValue(written.label, context.earlier, context.statedValues);
  if (named === null || equals(written.left, named.value) || equals(written.right, named.value)) return null;
  const source = named.step === null ? "as the problem states" : `the result of ${stepName(named.step)}`;
  return {
    type: named.step === null ? "contextual-oversight" : "logical-reasoning-error",
    evidence: `${stepName(context.index)} computes ${formatOperation(written)} and names ${named.name}, which is ${formatExactNumber(named.value)}, ${source}`,
  };
}

function isKnown(value: ExactNumber, { questionNumbers, earlier }: StepContext): boolean {
  return (
    questionNumbers.some((number) => equals(number, value)) ||
    earlier.some((step) => equals(step.result, value))
  );
}
