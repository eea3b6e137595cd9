import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { makeDirectory } from "../checkpoint/model-directory.ts";
import { readSafetensorsHeader, readTensorBytes } from "../checkpoint/safetensors.ts";
import { comparePaired } from "../evaluation/compare-paired.ts";
import type { ComparisonRecord, Variant } from "../runs/records.ts";
import { lockDirectory } from "../runs/run-directory.ts";
import { readAdapter } from "../training/read-adapter.ts";
import { isRemoteModel } from "../remote/remote-model.ts";
import type { TokenUsage, UsageReport } from "../remote/token-usage.ts";
import type { Task } from "../tasks/task.ts";
import { BitmendError } from "../util/errors.ts";
import { describeVariant, type Origin } from "./describe-variant.ts";
import { differences } from "./differences.ts";
import { type EvaluationHeader, readEvaluationHeader, recordEvaluated } from "./evaluation-directory.ts";
import type { VerbRun } from "./events.ts";
import { openRemote, type RemoteOptions } from "./open-remote.ts";
import { parseRunRecipe, type RunRecipe, type RunRecipeInput } from "./run-recipe.ts";
import type { RunContext } from "./run/context.ts";
import { type Answering, evaluateStage, loader } from "./run/evaluate-stage.ts";
import { writeHeader } from "./run/header.ts";
import { prepare } from "./run/prepare.ts";
import { adapterLoader } from "./run/preference-stage.ts";
import { openTaskWithData } from "./task-data.ts";

export interface EvaluateOptions extends Pick<RunRecipeInput, "problems" | "split" | "seed" | "generation"> {
  /** A model directory, full or low-bit, the name of a model that ships with bitmend, or `openai:URL#name` for one behind an API. */
  readonly model: string;
  /** How a model behind an API is asked. */
  readonly remote?: RemoteOptions | undefined;
  /** Where the records go; several variants that are asked the same problems share one. */
  readonly output: string;
  /** Default: as the directory has it, else pocket. Likewise problems, split, seed and generation. */
  readonly task?: string | undefined;
  /** Directory of an adapter (PEFT's form) trained on the model. */
  readonly adapter?: string | undefined;
  /** Name in the records. Default: from how the model was made, e.g. `w3-g64-gptq`. */
  readonly variant?: string | undefined;
  /** How a model was made that does not say so itself. */
  readonly origin?: Origin;
  /** Default: all. */
  readonly threads?: number | undefined;
}

/** How many problems one variant solved. Accuracies are fractions of 1, intervals 95 % Wilson. */
export interface EvaluateResult extends Pick<
  ComparisonRecord,
  "variant" | "n" | "accuracy" | "interval" | "degenerate" | "bySubject" | "byLevel"
> {
  readonly directory: string;
  readonly problems: Pick<RunRecipe, "task" | "split" | "seed">;
  /** Tokens and costs of a model behind an API. */
  readonly usage?: UsageReport;
}

/** Who is evaluated. */
interface Subject {
  /** Directory, or `openai:URL#name`. */
  readonly model: string;
  readonly task: Task;
  readonly variant: Variant;
  /** Hash of what decides its answers, so that a name never stands for two models. */
  readonly weights: () => string;
  readonly answering: (context: RunContext) => Answering;
  readonly usage?: TokenUsage;
}

/**
 * Lets a model solve problems, grades its answers, and leaves completions and verdicts in a directory like a run's.
 *
 * Killed at any moment and called again with the same options it goes on where it was.
 *
 * @yields Progress in problems.
 * @throws {BitmendError} those of `prepare()`, `describeVariant()` and `readAdapter()`, `verbs/other-settings`, `verbs/variant-taken`,
 * `verbs/directory-not-empty`, `files/...`, before any work.
 */
export async function* evaluate(
  options: EvaluateOptions,
  { signal }: { readonly signal?: AbortSignal } = {},
): VerbRun<EvaluateResult> {
  const { threads = availableParallelism() } = options;
  const directory = resolve(options.output);
  const header = readEvaluationHeader(directory);
  const recipe = evaluationRecipe(options, header?.recipe);
  const subject = isRemoteModel(recipe.model)
    ? yield* remoteSubject(options, { recipe, directory, signal })
    : yield* localSubject(options, { recipe, signal });
  const { model, task, variant } = subject;
  const { split, seed, problems: count } = recipe;
  const problems = task.problems({ split, seed, count });
  refuseOtherProblems(directory, { header, asked: { recipe, taskVersion: task.version } });
  makeDirectory(directory);
  using lock = lockDirectory(directory);
  const context: RunContext = { recipe, directory: lock.directory, model, task, problems, threads, signal };
  if (header === null) writeHeader(context);
  recordEvaluated(directory, { variant, weights: subject.weights() });
  const { verdicts } = yield* evaluateStage(context, { variant, ...subject.answering(context) });
  // Compared with itself: the counts of one variant, by the one code that counts.
  const counts = comparePaired({ variant, problems, baseline: verdicts, verdicts, seed });
  const { n, accuracy, interval, degenerate, bySubject, byLevel } = counts;
  const asked = { task: recipe.task, split, seed };
  const usage = subject.usage === undefined ? {} : { usage: subject.usage.report() };
  return {
    directory,
    variant,
    problems: asked,
    n,
    accuracy,
    interval,
    degenerate,
    bySubject,
    byLevel,
    ...usage,
  };
}

async function* localSubject(
  options: EvaluateOptions,
  { recipe, signal }: { readonly recipe: RunRecipe; readonly signal: AbortSignal | undefined },
): VerbRun<Subject> {
  const { model, task, checkpoint } = yield* prepare(recipe, { signal });
  const { adapter } = options;
  return {
    model,
    task,
    variant: namedVariant(options, checkpoint),
    weights: () => weightsHash(checkpoint, adapter),
    answering: (context) => ({
      load: adapter === undefined ? loader(context, model) : adapterLoader(context, { base: model, adapter }),
    }),
  };
}

async function* remoteSubject(
  { adapter, variant: name, remote }: EvaluateOptions,
  setup: {
    readonly recipe: RunRecipe;
    readonly directory: string;
    readonly signal: AbortSignal | undefined;
  },
): VerbRun<Subject> {
  if (adapter !== undefined) {
    throw new BitmendError(
      "remote/bad-options",
      "evaluate(): expected a model on this machine for an adapter, got one behind an API.",
      { hint: "Load the adapter in the server and name it after #." },
    );
  }
  const { model } = setup.recipe;
  const task = yield* openTaskWithData(setup.recipe.task, { signal: setup.signal });
  yield { type: "stage", name: "Asking which models are served" };
  const { variant, weights, generate, usage } = await openRemote({ ...setup, task }, remote);
  const named = name === undefined ? variant : { ...variant, name };
  yield { type: "stage-done", result: variant.name };
  return { model, task, variant: named, weights: () => weights, answering: () => ({ generate }), usage };
}

/** What is not asked for is as the directory has it, so that a second variant needs no settings. */
function evaluationRecipe(options: EvaluateOptions, recorded: RunRecipe | undefined): RunRecipe {
  const { model, task, problems, split, seed, generation } = options;
  return parseRunRecipe({
    name: "evaluation",
    model,
    task: task ?? recorded?.task ?? "pocket",
    problems: problems ?? recorded?.problems,
    split: split ?? recorded?.split,
    seed: seed ?? recorded?.seed,
    generation: { ...recorded?.generation, ...definedOnly(generation ?? {}) },
    quantization: { variants: [] },
    referenceSamples: 0,
  });
}

function definedOnly<Settings extends object>(settings: Settings): Partial<Settings> {
  const entries: [string, unknown][] = Object.entries(settings);
  // Fewer keys of the same types.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Partial<Settings>;
}

function namedVariant({ adapter, variant: name, origin }: EvaluateOptions, checkpoint: Checkpoint): Variant {
  if (adapter !== undefined) readAdapter(adapter, checkpoint.config);
  const variant = describeVariant(checkpoint, { adapter, ...(origin === undefined ? {} : { origin }) });
  return name === undefined ? variant : { ...variant, name };
}

function refuseOtherProblems(
  directory: string,
  { header, asked }: { readonly header: EvaluationHeader | null; readonly asked: EvaluationHeader },
): void {
  if (header === null) {
    if (!existsSync(directory) || readdirSync(directory).every((name) => leftovers.has(name))) return;
    throw new BitmendError(
      "verbs/directory-not-empty",
      `evaluate(): expected a new directory or one with measurements, got ${directory} with other files.`,
      { hint: "Choose another directory." },
    );
  }
  const differing = differences(whatIsAsked(header), whatIsAsked(asked));
  if (differing.length === 0) return;
  throw new BitmendError(
    "verbs/other-settings",
    `evaluate(): expected the problems and settings of ${directory}, but ${differing.join("; ")}.`,
    { hint: "Choose another directory: variants can be compared only on the same problems." },
  );
}

/** What an attempt may leave that was killed before the header was whole. */
const leftovers: ReadonlySet<string> = new Set([
  "lock",
  "environment.json",
  "environment.json.partial",
  "problems.jsonl",
  "problems.jsonl.partial",
  "recipe.json.partial",
]);

function whatIsAsked({ recipe, taskVersion }: EvaluationHeader): unknown {
  const { task, split, seed, problems, generation } = recipe;
  const { slots: _, ...text } = generation;
  return { task, taskVersion, split, seed, problems, ...text };
}

/** SHA-256 of all stored tensors, so that a name never stands for two sets of weights. */
function weightsHash({ tensors }: Checkpoint, adapter: string | undefined): string {
  const hash = createHash("sha256");
  const files =
    adapter === undefined
      ? []
      : [...readSafetensorsHeader(join(adapter, "adapter_model.safetensors")).tensors];
  for (const [name, tensor] of [...tensors, ...files].toSorted(([left], [right]) =>
    left < right ? -1 : 1,
  )) {
    hash.update(JSON.stringify([name, tensor.dataType, tensor.shape]));
    hash.update(readTensorBytes(tensor));
  }
  return hash.digest("hex");
}
