import { equals, formatExactNumber } from "../../grading/exact-number.ts";
import { equationValue, formatEquation, formatOperation } from "../labelled-step.ts";
import { type Checker, stepName } from "./checker.ts";

/** The written result must be the value of the written operation. */
export const arithmetic: Checker = {
  rule: "Operands and operator are right and the result is wrong: numerical-computation-error.",
  check: ({ index, written }) => {
    if (written.kind !== "equation") return null;
    const value = equationValue(written);
    if (value !== null && equals(value, written.result)) return null;
    const right = value === null ? "is a division by 0" : `is ${formatExactNumber(value)}`;
    return {
      type: "numerical-computation-error",
      evidence: `${stepName(index)} writes ${formatEquation(written)}; ${formatOperation(written)} ${right}`,
    };
  },
};
