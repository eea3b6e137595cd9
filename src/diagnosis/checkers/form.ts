import { type Checker, stepName } from "./checker.ts";

/** A step must be an equation with a label, or the final answer. */
export const form: Checker = {
  rule: "The line is neither `label: a OP b=c` nor a final answer line: symbolic-manipulation-error.",
  check: ({ index, text, written }) =>
    written.kind === "other"
      ? {
          type: "symbolic-manipulation-error",
          evidence: `${stepName(index)} writes "${text}", which is neither an equation "label: a OP b=c" nor a final answer`,
        }
      : null,
};
