import { loadTokenizer } from "../../tokenizer/tokenizer.ts";
import type { VerbRun } from "../events.ts";
import type { RunContext } from "./context.ts";
import { promptEncoder } from "./evaluate-stage.ts";
import { tracesStage, trainingProblems } from "./traces-stage.ts";
import { fullVariant } from "./variants.ts";

/**
 * The calibration text: prompts and the full model's own solutions of training problems, as token ids.
 *
 * @yields Progress in problems.
 */
export async function* calibrateStage(context: RunContext): VerbRun<readonly (readonly number[])[]> {
  const problems = trainingProblems(context, context.recipe.quantization.calibrationSequences);
  const { completions } = yield* tracesStage(context, {
    variant: fullVariant,
    model: context.model,
    problems,
  });
  const encodePrompt = promptEncoder(context);
  const tokenizer = loadTokenizer(context.model);
  return problems.map((problem, index) => [
    ...encodePrompt(problem),
    ...tokenizer.encode(completions[index]!.text),
  ]);
}
