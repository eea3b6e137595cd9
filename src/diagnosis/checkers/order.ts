import { formatOperation } from "../labelled-step.ts";
import { sameEquation } from "../same-equation.ts";
import { type Checker, type Finding, type StepContext, stepName } from "./checker.ts";

/** Steps must come in order, none skipped, repeated or added. */
export const order: Checker = {
  rule:
    "A final answer line comes while steps are missing, or the equation is that of a later right step or of an earlier written one, " +
    "or a step follows when all are done: procedural-error.",
  check: (context) => {
    const evidence = outOfOrder(context);
    return evidence === null
      ? null
      : ({ type: "procedural-error", evidence: `${stepName(context.index)} ${evidence}` } satisfies Finding);
  },
};

function outOfOrder({ index, written, earlier, expected }: StepContext): string | null {
  const due = expected?.[index];
  if (written.kind === "answer") {
    if (due?.kind !== "equation") return null;
    return `gives the final answer although ${formatOperation(due)} is still to be computed`;
  }
  if (written.kind !== "equation") return null;
  if (due?.kind === "equation" && sameEquation(written, due)) return null;
  if (expected !== null && due?.kind !== "equation")
    return `computes ${formatOperation(written)} although nothing is left to be computed`;
  const repeated = earlier.findIndex((step) => sameEquation(step, written));
  if (repeated >= 0) return `computes ${formatOperation(written)} again, as ${stepName(repeated)} did`;
  if (expected === null || due?.kind !== "equation") return null;
  const later = expected.findIndex(
    (step, place) => place > index && step.kind === "equation" && sameEquation(step, written),
  );
  return later < 0
    ? null
    : `computes ${formatOperation(written)}, which belongs to ${stepName(later)}; ${formatOperation(due)} comes first`;
}
