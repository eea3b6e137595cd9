import { type Checker, stepName } from "./checker.ts";

/** The result must get the right name. */
export const label: Checker = {
  rule: "The equation is right and its label is another one: symbolic-manipulation-error (mislabelled).",
  check: ({ index, written, expected }) => {
    const due = expected?.[index];
    if (written.kind !== "equation" || due?.kind !== "equation" || written.label === due.label) return null;
    return {
      type: "symbolic-manipulation-error",
      evidence: `${stepName(index)} calls its result "${written.label}"; it is "${due.label}"`,
    };
  },
};
