import { checkFinite } from "../../checkpoint/check-finite.ts";
import { openCheckpoint, type Checkpoint } from "../../checkpoint/checkpoint.ts";
import { openTask } from "../../tasks/open-task.ts";
import type { Task } from "../../tasks/task.ts";
import { loadTokenizer } from "../../tokenizer/tokenizer.ts";
import { resolveModel } from "../resolve-model.ts";
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
 * @throws {BitmendError} those of `resolveModel()`, `openTask()`, `openCheckpoint()`, `validateRecipe()`, `loadTokenizer()` and `checkFinite()`.
 */
export function prepare(recipe: RunRecipe): Prepared {
  const model = resolveModel(recipe.model);
  const task = openTask(recipe.task);
  const checkpoint = openCheckpoint(model);
  validateRecipe(recipe, checkpoint.config);
  loadTokenizer(model);
  checkFinite(checkpoint);
  return { model, checkpoint, task };
}
