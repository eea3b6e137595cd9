import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { makeDirectory } from "../checkpoint/model-directory.ts";
import { readSafetensorsHeader, readTensorBytes } from "../checkpoint/safetensors.ts";
import type { Variant } from "../runs/records.ts";
import { lockDirectory } from "../runs/run-directory.ts";
import { readAdapter } from "../training/read-adapter.ts";
import { isRemoteModel } from "../remote/remote-model.ts";
import type { TokenUsage, UsageReport } from "../remote/token-usage.ts";
import type { Task } from "../tasks/task.ts";
import { BitmendError } from "../util/errors.ts";
import { countAnswers, type AnswerCounts } from "./count-answers.ts";
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

export interface EvaluateOptions extends Pick<
  RunRecipeInput,
  "problems" | "split" | "seed" | "generation" | "data"
> {
  /** A model directory, full or low-bit, the name of a model that ships with bitmend, or `openai:URL#name` for one behind an API. */
  readonly model: string;
  /** How a model behind an API is asked. */
  readonly remote?: RemoteOptions | undefined;
  /** Where the records go; several variants that are asked the same problems share one. */
  readonly output: string;
  /** Default: as the directory has it, else pocket. Likewise problems, split, seed, data and generation. */
  readonly task?: string | undefined;
  /** Programs that a model wrote run although nothing isolates them. */
  readonly unsafeCodeExecution?: boolean | undefined;
  /** Directory of an adapter (PEFT's form) trained on the model. */
  readonly adapter?: string | undefined;
  /** Name in the records. Default: from how the model was made, e.g. `w3-g64-gptq`. */
  readonly variant?: string | undefined;
  /** How a model was made that does not say so itself. */
  readonly origin?: Origin;
  /** Default: all. */
  readonly threads?: number | undefined;
}

/** How many problems one variant solved. */
export interface EvaluateResult extends AnswerCounts {
  readonly variant: Variant;
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
  const asked = evaluationRecipe(options, header?.recipe);
  refuseSameSamples(asked);
  const subject = isRemoteModel(asked.model)
    ? yield* remoteSubject(options, { recipe: asked, directory, signal })
    : yield* localSubject(options, { recipe: asked, signal });
  const { model, task, variant } = subject;
  const { split, seed } = asked;
  // A task with an end is asked whole, unless a number is given.
  const count = options.problems ?? header?.recipe.problems ?? task.available(split) ?? asked.problems;
  const recipe = { ...asked, problems: count };
  const problems = task.problems({ split, seed, count });
  refuseOtherProblems(directory, { header, asked: { recipe, taskVersion: task.version } });
  makeDirectory(directory);
  using lock = lockDirectory(directory);
  const context: RunContext = { recipe, directory: lock.directory, model, task, problems, threads, signal };
  if (header === null) writeHeader(context);
  recordEvaluated(directory, { variant, weights: subject.weights() });
  const { verdicts, completions } = yield* evaluateStage(context, { variant, ...subject.answering(context) });
  const counts = countAnswers(problems, { verdicts, completions });
  const usage = subject.usage === undefined ? {} : { usage: subject.usage.report() };
  return {
    directory,
    variant,
    problems: { task: recipe.task, split, seed },
    ...counts,
    ...usage,
  };
}

async function* localSubject(
  options: EvaluateOptions,
  { recipe, signal }: { readonly recipe: RunRecipe; readonly signal: AbortSignal | undefined },
): VerbRun<Subject> {
  const { adapter, unsafeCodeExecution } = options;
  const { model, task, checkpoint } = yield* prepare(recipe, { signal, unsafeCodeExecution });
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
  { adapter, variant: name, remote, unsafeCodeExecution }: EvaluateOptions,
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
  const { model, data } = setup.recipe;
  const task = yield* openTaskWithData(setup.recipe.task, {
    data,
    unsafeCodeExecution,
    signal: setup.signal,
  });
  yield { type: "stage", name: "Asking which models are served" };
  const { variant, weights, generate, usage } = await openRemote({ ...setup, task }, remote);
  const named = name === undefined ? variant : { ...variant, name };
  yield { type: "stage-done", result: variant.name };
  return { model, task, variant: named, weights: () => weights, answering: () => ({ generate }), usage };
}

/** What is not asked for is as the directory has it, so that a second variant needs no settings. */
function evaluationRecipe(options: EvaluateOptions, recorded: RunRecipe | undefined): RunRecipe {
  const { model, problems, split, seed, generation } = options;
  const task = options.task ?? recorded?.task ?? "pocket";
  const data = options.data === undefined ? recorded?.data : resolve(options.data);
  // The problems that ship are short; others get room.
  const room = task === "pocket" ? {} : { maxNewTokens: usualRoom };
  return parseRunRecipe({
    name: "evaluation",
    model,
    task,
    ...(data === undefined ? {} : { data }),
    problems: problems ?? recorded?.problems,
    split: split ?? recorded?.split,
    seed: seed ?? recorded?.seed,
    generation: { ...room, ...recorded?.generation, ...definedOnly(generation ?? {}) },
    quantization: { variants: [] },
    referenceSamples: 0,
  });
}

/** Tokens of a solution, where nobody says. */
const usualRoom = 2048;

function refuseSameSamples({ generation: { samples = 1, temperature } }: RunRecipe): void {
  if (samples === 1 || temperature > 0) return;
  throw new BitmendError(
    "verbs/same-samples",
    `evaluate(): expected a temperature above 0 for ${samples} samples of a problem, got ${temperature}, at which all are the same.`,
    { hint: "Add --temperature, e.g. 0.6, and --top-p 0.95." },
  );
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
