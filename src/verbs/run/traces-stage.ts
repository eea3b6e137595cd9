import { join } from "node:path";
import type { Evaluation } from "../../evaluation/evaluate-variant.ts";
import type { Variant } from "../../runs/records.ts";
import type { Problem } from "../../tasks/problem.ts";
import { LeakFinder, refuseEvaluationProblems } from "../../training/evaluation-leak.ts";
import type { VerbRun } from "../events.ts";
import type { RunContext } from "./context.ts";
import { evaluateStage, loader } from "./evaluate-stage.ts";

/**
 * The training problems that calibration, distillation and the medicine set draw on: one list, so that nothing is solved twice.
 *
 * Of generated problems those that an evaluation problem nearly repeats (evaluation-leak.ts) are passed over; in a file they are refused.
 *
 * @throws {BitmendError} `tasks/exhausted`, `training/evaluation-leak`.
 */
export function trainingProblems(
  { recipe, task, problems: evaluation }: Pick<RunContext, "recipe" | "task" | "problems">,
  count: number,
): readonly Problem[] {
  const draw = (drawn: number): readonly Problem[] =>
    task.problems({ split: "train", seed: `${recipe.seed}/train`, count: drawn });
  const isGenerated = task.available("train") === null;
  const finder = new LeakFinder(isGenerated ? evaluation : []);
  let problems: readonly Problem[] = [];
  // The first k of n problems are the k drawn alone, so drawing more only adds.
  for (let drawn = count; problems.length < count; drawn += count - problems.length)
    problems = draw(drawn).filter(({ id, question }) => finder.find({ id, text: question }) === null);
  refuseEvaluationProblems(problems, evaluation);
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
