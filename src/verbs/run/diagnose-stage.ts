import { diagnoseFailures } from "../../diagnosis/diagnose-failures.ts";
import type { DiagnosisRecord, Variant } from "../../runs/records.ts";
import type { VerbRun } from "../events.ts";
import { abortable, type RunContext } from "./context.ts";

/**
 * Names the first wrong step of every failing solution of `variants`, held against the full model's right solutions.
 *
 * @yields Progress in failures.
 */
export async function* diagnoseStage(
  context: Pick<RunContext, "directory" | "problems" | "signal">,
  input: {
    readonly variants: readonly Variant[];
    /** Variants whose right completions serve as right solutions, the most trusted first. */
    readonly references: readonly string[];
  },
): VerbRun<DiagnosisRecord[]> {
  const events = diagnoseFailures(
    {
      directory: context.directory,
      problems: context.problems,
      variants: input.variants.map(({ name }) => name),
      referenceVariants: input.references,
    },
    abortable(context),
  );
  let begun = false;
  for (;;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- events are sequential by nature
    const next = await events.next();
    if (next.done === true) {
      yield { type: "stage-done", result: "" };
      return next.value;
    }
    if (next.value.type !== "progress") continue;
    const { finished: done, total } = next.value;
    if (!begun) yield { type: "stage", name: "Diagnosing", total, unit: "failures", alreadyDone: done };
    begun = true;
    yield { type: "progress", done };
  }
}
