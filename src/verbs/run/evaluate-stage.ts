import { makeDirectory } from "../../checkpoint/model-directory.ts";
import {
  evaluateVariant,
  type Evaluation,
  type EvaluationEvent,
  type EvaluationSetup,
  type GenerateCompletions,
} from "../../evaluation/evaluate-variant.ts";
import type { CompletionEvent } from "../../generation/events.ts";
import { generate } from "../../generation/generate.ts";
import type { SamplingOptions } from "../../generation/sampling.ts";
import { thinkWithin } from "../../generation/think-within.ts";
import { closeThoughts } from "../../grading/thoughts.ts";
import { loadLanguageModel, type LanguageModel } from "../../generation/language-model.ts";
import { percent } from "../../report/number-text.ts";
import type { Variant } from "../../runs/records.ts";
import type { Problem } from "../../tasks/problem.ts";
import type { VerbRun } from "../events.ts";
import { abortable, generateOptions, type RunContext } from "./context.ts";
import { type PromptForm, promptForm } from "./prompt-form.ts";

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
  // Training problems and references are asked once.
  const samples = stage.problems === undefined ? (context.recipe.generation.samples ?? 1) : 1;
  const setup = { ...evaluationSetup(context, stage), samples };
  const title = stage.title ?? `Measuring ${stage.variant.name}`;
  const evaluation = yield* drawEvaluation(title, evaluateVariant(setup, abortable(context)));
  const correct = evaluation.verdicts.filter(({ verdict }) => verdict === "correct").length;
  yield { type: "stage-done", result: `${percent(correct / evaluation.verdicts.length)} % right` };
  return evaluation;
}

/** The evaluation of one stage; its model is loaded only when there is something to ask. */
export function evaluationSetup(context: RunContext, stage: EvaluationStage): EvaluationSetup {
  const { problems = context.problems, directory = context.directory, variant } = stage;
  makeDirectory(directory);
  const form = "generate" in stage ? null : promptForm(context);
  return {
    variant: variant.name,
    problems,
    ...("generate" in stage
      ? { promptIds: () => [], generate: stage.generate }
      : { promptIds: form!.promptIds, generate: lazily(context, { ...stage, form: form! }) }),
    grade: context.task.grade,
    prepareGrading: context.task.prepareGrading,
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

/** Loads a variant's directory, full or low-bit, with this run's threads. */
export function loader(context: RunContext, directory: string): () => Promise<LanguageModel> {
  return async () => loadLanguageModel(directory, { threads: context.threads });
}

function lazily(
  context: RunContext,
  {
    load,
    sampling,
    form,
  }: Extract<EvaluationStage, { readonly load: unknown }> & { readonly form: PromptForm },
): GenerateCompletions {
  return async function* generateWithModel(requests, options) {
    await using model = await load();
    const { stop, opening } = form;
    const settings = {
      ...generateOptions(context),
      ...(sampling === undefined ? {} : { sampling }),
      ...(stop.length === 0 ? {} : { stop: { strings: stop } }),
      ...options,
    };
    const { thinkingTokens } = context.recipe.generation;
    const events =
      thinkingTokens === undefined
        ? generate(model, requests, settings)
        : thinkWithin(model, requests, {
            ...settings,
            budget: { tokens: thinkingTokens, closing: (text) => closeThoughts(opening + text) },
          });
    for await (const event of events) yield event.type === "completion" ? withOpening(event, opening) : event;
  };
}

/** What the prompt opened belongs to the thoughts that a record shows. */
function withOpening(event: CompletionEvent, opening: string): CompletionEvent {
  return opening === "" ? event : { ...event, text: opening + event.text };
}
