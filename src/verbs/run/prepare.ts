import { checkFinite } from "../../checkpoint/check-finite.ts";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { openModel } from "../../models/open-model.ts";
import type { Task } from "../../tasks/task.ts";
import { loadTokenizer } from "../../tokenizer/tokenizer.ts";
import type { VerbRun } from "../events.ts";
import { resolveModel } from "../resolve-model.ts";
import { openTaskWithData, type TaskDataOptions } from "../task-data.ts";
import type { RunRecipe } from "../run-recipe.ts";
import { validateRecipe } from "./validate-recipe.ts";

/** What a recipe names, opened and checked. */
export interface Prepared {
  /** The model's directory. */
  readonly model: string;
  readonly checkpoint: Checkpoint;
  readonly task: Task;
}

/**
 * Opens a recipe's model and task, and finds everything that could fail after minutes of work.
 *
 * @yields Progress of fetching the model, where it is named by a hub id and not in the cache.
 * @throws {BitmendError} those of `resolveModel()`, `openTaskWithData()`, `openModel()`, `validateRecipe()`, `loadTokenizer()` and `checkFinite()`.
 */
export async function* prepare(
  recipe: RunRecipe,
  options: Omit<TaskDataOptions, "data"> = {},
): VerbRun<Prepared> {
  const model = yield* resolveModel(recipe.model, { signal: options.signal });
  const task = yield* openTaskWithData(recipe.task, { data: recipe.data, ...options });
  const checkpoint = openModel(model);
  validateRecipe(recipe, checkpoint.config);
  loadTokenizer(model);
  checkFinite(checkpoint);
  return { model, checkpoint, task };
}
