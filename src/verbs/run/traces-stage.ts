import { join } from "node:path";
import type { Evaluation } from "../../evaluation/evaluate-variant.ts";
import type { Variant } from "../../runs/records.ts";
import type { Problem } from "../../tasks/problem.ts";
import { refuseEvaluationProblems } from "../../training/evaluation-leak.ts";
import type { VerbRun } from "../events.ts";
import type { RunContext } from "./context.ts";
import { evaluateStage, loader } from "./evaluate-stage.ts";

/** The training problems that calibration, distillation and the medicine set draw on: one list, so that nothing is solved twice. */
export function trainingProblems(
  context: Pick<RunContext, "recipe" | "task" | "problems">,
  count: number,
): readonly Problem[] {
  const problems = context.task.problems({ split: "train", seed: `${context.recipe.seed}/train`, count });
  refuseEvaluationProblems(problems, context.problems);
  return problems;
}

/** The directory of the records on training problems, apart from those of the evaluation. */
function trainingRecordsDirectory({ directory }: Pick<RunContext, "directory">): string {
  return join(directory, "train");
}

/**
 * One model's own solutions of training problems.
 *
 * @yields Progress in problems.
 */
export async function* tracesStage(
  context: RunContext,
  input: { readonly variant: Variant; readonly model: string; readonly problems: readonly Problem[] },
): VerbRun<Evaluation> {
  return yield* evaluateStage(context, {
    variant: input.variant,
    load: loader(context, input.model),
    problems: input.problems,
    directory: trainingRecordsDirectory(context),
    title: `Solving training problems with ${input.variant.name}`,
  });
}
