import { makeDirectory } from "../../checkpoint/model-directory.ts";
import {
  evaluateVariant,
  type Evaluation,
  type EvaluationEvent,
  type EvaluationSetup,
  type GenerateCompletions,
} from "../../evaluation/evaluate-variant.ts";
import { generate } from "../../generation/generate.ts";
import type { SamplingOptions } from "../../generation/sampling.ts";
import { loadLanguageModel, type LanguageModel } from "../../generation/language-model.ts";
import { percent } from "../../report/number-text.ts";
import type { Variant } from "../../runs/records.ts";
import type { Problem } from "../../tasks/problem.ts";
import { loadTokenizer } from "../../tokenizer/tokenizer.ts";
import { encodePrompt } from "../calibration-texts.ts";
import type { VerbRun } from "../events.ts";
import { abortable, generateOptions, type RunContext } from "./context.ts";

/** Who answers: a model that is loaded only when a problem is still open, or one behind an API, which reads messages itself. */
export type Answering =
  | { readonly load: () => Promise<LanguageModel> }
  | { readonly generate: GenerateCompletions };

/** One variant to be asked. */
export type EvaluationStage = Answering & StageSettings;

interface StageSettings {
  readonly variant: Variant;
  /** Default: the run's problems. */
  readonly problems?: readonly Problem[];
  /** Where the records go. Default: the run directory. */
  readonly directory?: string;
  /** Default: as the recipe says. */
  readonly sampling?: SamplingOptions;
  /** What people read while it works. Default: `Measuring <variant>`. */
  readonly title?: string;
}

/**
 * Asks one variant the problems it has not answered yet and grades the answers.
 *
 * @yields Progress in problems.
 */
export async function* evaluateStage(context: RunContext, stage: EvaluationStage): VerbRun<Evaluation> {
  const setup = evaluationSetup(context, stage);
  const title = stage.title ?? `Measuring ${stage.variant.name}`;
  const evaluation = yield* drawEvaluation(title, evaluateVariant(setup, abortable(context)));
  const correct = evaluation.verdicts.filter(({ verdict }) => verdict === "correct").length;
  yield { type: "stage-done", result: `${percent(correct / setup.problems.length)} % right` };
  return evaluation;
}

/** The evaluation of one stage; its model is loaded only when there is something to ask. */
export function evaluationSetup(context: RunContext, stage: EvaluationStage): EvaluationSetup {
  const { problems = context.problems, directory = context.directory, variant } = stage;
  makeDirectory(directory);
  return {
    variant: variant.name,
    problems,
    ...("generate" in stage
      ? { promptIds: () => [], generate: stage.generate }
      : { promptIds: promptEncoder(context), generate: lazily(context, stage) }),
    grade: context.task.grade,
    seed: context.recipe.seed,
    directory,
  };
}

/**
 * Shows evaluations one after another as one stage each, and returns what they return.
 *
 * @yields Progress in problems.
 */
export async function* drawEvaluation<Result>(
  title: string,
  events: AsyncGenerator<EvaluationEvent, Result, void>,
): VerbRun<Result> {
  let shown: number | null = null;
  for (;;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- events are sequential by nature
    const next = await events.next();
    if (next.done === true) return next.value;
    if (next.value.type !== "progress") continue;
    const { finished, total, tokensPerSecond } = next.value;
    if (shown !== total) yield { type: "stage", name: title, total, unit: "problems", alreadyDone: finished };
    shown = total;
    const note = tokensPerSecond === null ? {} : { note: `${Math.round(tokensPerSecond)} tok/s` };
    yield { type: "progress", done: finished, ...note };
  }
}

/** The tokens a problem is asked with: the task's messages in the model's chat template. */
export function promptEncoder(context: Pick<RunContext, "model" | "task">): (problem: Problem) => number[] {
  const tokenizer = loadTokenizer(context.model);
  return (problem) => encodePrompt(tokenizer, context.task.messages(problem));
}

/** Loads a variant's directory, full or low-bit, with this run's threads. */
export function loader(context: RunContext, directory: string): () => Promise<LanguageModel> {
  return async () => loadLanguageModel(directory, { threads: context.threads });
}

function lazily(
  context: RunContext,
  { load, sampling }: Extract<EvaluationStage, { readonly load: unknown }>,
): GenerateCompletions {
  return async function* generateWithModel(requests, options) {
    await using model = await load();
    const settings = { ...generateOptions(context), ...(sampling === undefined ? {} : { sampling }) };
    yield* generate(model, requests, { ...settings, ...options });
  };
}
