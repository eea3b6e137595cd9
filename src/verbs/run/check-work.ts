import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { validateRequests } from "../../generation/requests.ts";
import type { Problem } from "../../tasks/problem.ts";
import { BitmendError } from "../../util/errors.ts";
import type { RunRecipe } from "../run-recipe.ts";
import type { RunContext } from "./context.ts";
import { checkCalibration } from "./calibrate-stage.ts";
import { promptForm } from "./prompt-form.ts";
import { trainingProblems } from "./traces-stage.ts";

type Work = Pick<RunContext, "recipe" | "task" | "model" | "problems" | "threads">;

/** The model has room for these if it has room for all: tokens grow with characters. */
const longestChecked = 64;

/**
 * Finds, before any work, what would fail in its middle: too few training problems, evaluation problems among them, prompts that do not fit.
 *
 * @throws {BitmendError} `verbs/bad-options`, `tasks/exhausted`, `training/evaluation-leak`, `generation/bad-request`.
 */
export function checkWork(work: Work, { config }: Pick<Checkpoint, "config">): void {
  const { recipe, problems, threads } = work;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new BitmendError("verbs/bad-options", `run(): expected at least one thread, got ${threads}.`);
  }
  checkCalibration(work);
  const count = trainingProblemCount(recipe);
  const learned = count === 0 ? [] : trainingProblems(work, count);
  const encode = promptForm(work).promptIds;
  validateRequests(
    longestOf([...problems, ...learned]).map((problem) => ({
      id: problem.id,
      promptIds: encode(problem),
      seed: 0,
    })),
    {
      vocabularySize: config.vocabularySize,
      positions: config.maxPositions,
      maxNewTokens: recipe.generation.maxNewTokens,
    },
  );
}

function longestOf(problems: readonly Problem[]): Problem[] {
  return problems
    .toSorted((left, right) => right.question.length - left.question.length)
    .slice(0, longestChecked);
}

/** The most training problems that any stage draws on. */
function trainingProblemCount({ quantization, preference, qat }: RunRecipe): number {
  return Math.max(
    quantization.calibration === "traces" ? quantization.calibrationSequences : 0,
    preference?.candidates ?? 0,
    ...qat.map(({ problems }) => problems),
  );
}
