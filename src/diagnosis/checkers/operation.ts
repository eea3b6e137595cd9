import { formatOperation } from "../labelled-step.ts";
import { sameEquation, sameOperands } from "../same-equation.ts";
import { type Checker, stepName } from "./checker.ts";

/** The right numbers must be combined by the right operation. */
export const operation: Checker = {
  rule: "The right two operands, combined by another operator or the other way round: formula-rule-error.",
  check: ({ index, written, expected }) => {
    const due = expected?.[index];
    if (written.kind !== "equation" || due?.kind !== "equation") return null;
    if (sameEquation(written, due) || !sameOperands(written, due)) return null;
    return {
      type: "formula-rule-error",
      evidence: `${stepName(index)} computes ${formatOperation(written)}; right is ${formatOperation(due)}`,
    };
  },
};
