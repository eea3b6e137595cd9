import { join } from "node:path";
import { refuseEvaluationProblems } from "../../training/evaluation-leak.ts";
import type { VerbRun } from "../events.ts";
import type { RunContext } from "./context.ts";
import { evaluateStage, loader, promptEncoder } from "./evaluate-stage.ts";
import { fullVariant } from "./variants.ts";
import { loadTokenizer } from "../../tokenizer/tokenizer.ts";

/**
 * The calibration text: prompts and the full model's own solutions of training problems, as token ids.
 *
 * Its records lie in `calibration/` of the run, apart from those of the evaluation.
 *
 * @yields Progress in problems.
 */
export async function* calibrateStage(context: RunContext): VerbRun<readonly (readonly number[])[]> {
  const { recipe, task } = context;
  const count = recipe.quantization.calibrationSequences;
  const problems = task.problems({ split: "train", seed: `${recipe.seed}/calibration`, count });
  refuseEvaluationProblems(problems, context.problems);
  const { completions } = yield* evaluateStage(context, {
    variant: fullVariant,
    load: loader(context, context.model),
    problems,
    directory: join(context.directory, "calibration"),
    title: "Writing calibration traces",
  });
  const encodePrompt = promptEncoder(context);
  const tokenizer = loadTokenizer(context.model);
  return problems.map((problem, index) => [
    ...encodePrompt(problem),
    ...tokenizer.encode(completions[index]!.text),
  ]);
}
