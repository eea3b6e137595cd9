import { join } from "node:path";
import type { GenerateOptions } from "../../generation/generate.ts";
import type { Problem } from "../../tasks/problem.ts";
import type { Task } from "../../tasks/task.ts";
import type { RunRecipe } from "../run-recipe.ts";

/** What every stage of a run works with. */
export interface RunContext {
  readonly recipe: RunRecipe;
  /** The run directory. */
  readonly directory: string;
  /** The full-precision model's directory. */
  readonly model: string;
  readonly task: Task;
  /** What every variant is measured on. */
  readonly problems: readonly Problem[];
  /** Threads for generation and training. */
  readonly threads: number;
  readonly signal: AbortSignal | undefined;
}

/** A file of the run directory. */
export function recordPath({ directory }: Pick<RunContext, "directory">, name: string): string {
  return join(directory, name);
}

/** How completions are drawn for measuring, as the recipe says. */
export function generateOptions({ recipe, signal }: RunContext): GenerateOptions {
  const { slots, maxNewTokens, temperature, topP } = recipe.generation;
  return {
    slots,
    maxNewTokens,
    ...(temperature === 0 ? {} : { sampling: { temperature, topP } }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** The option object of a call that can be aborted. */
export function abortable({ signal }: Pick<RunContext, "signal">): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
