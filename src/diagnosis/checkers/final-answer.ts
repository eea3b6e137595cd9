import { equals, formatExactNumber } from "../../grading/exact-number.ts";
import { type Checker, stepName } from "./checker.ts";

/** The final answer must be the result of the last step. */
export const finalAnswer: Checker = {
  rule: "The final answer is not the result of the last step: logical-reasoning-error.",
  check: ({ index, text, written, earlier }) => {
    const last = earlier.at(-1);
    if (written.kind !== "answer" || last === undefined) return null;
    if (equals(written.value, last.result)) return null;
    return {
      type: "logical-reasoning-error",
      evidence: `${stepName(index)} answers "${text}"; the result of ${stepName(index - 1)} is ${formatExactNumber(last.result)}`,
    };
  },
};
