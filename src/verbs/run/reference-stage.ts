import { sampleSolutions } from "../../evaluation/sample-solutions.ts";
import type { VerbRun } from "../events.ts";
import { abortable, type RunContext } from "./context.ts";
import { drawEvaluation, evaluationSetup, loader } from "./evaluate-stage.ts";
import { fullVariant } from "./variants.ts";

/** High enough to leave the greedy path, low enough to stay right. */
const samplingTemperature = 0.8;

/**
 * Right solutions of the problems that the full model failed: it is sampled until one sample is right, so that a quantized model's
 * failure there can be held against a right solution too. Returns the names under which the samples stand in the records.
 *
 * @yields Progress in problems.
 */
export async function* referenceStage(context: RunContext): VerbRun<readonly string[]> {
  const setup = evaluationSetup(context, {
    variant: fullVariant,
    load: loader(context, context.model),
    sampling: { temperature: samplingTemperature },
  });
  const sampling = { ...setup, rounds: context.recipe.referenceSamples, solvedBy: [fullVariant.name] };
  const names = yield* drawEvaluation(
    "Sampling right solutions",
    sampleSolutions(sampling, abortable(context)),
  );
  yield { type: "stage-done", result: "" };
  return [fullVariant.name, ...names];
}
