import { createHash } from "node:crypto";
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { openModel } from "../models/open-model.ts";
import type { MeasuredSequence } from "../quantization/text-forward.ts";
import type { CalibrationRecord } from "../runs/calibration.ts";
import type { Problem } from "../tasks/problem.ts";
import { openTask } from "../tasks/open-task.ts";
import type { Task } from "../tasks/task.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/tokenizer.ts";
import { refuseEvaluationTexts, type NamedText } from "../training/evaluation-leak.ts";
import { BitmendError } from "../util/errors.ts";
import { randomStream } from "../util/random.ts";
import { readCalibrationFile, type CalibrationDocument } from "./calibration-file.ts";
import { cut, encodeConversation, encodeDocument, type EncodedText, joined } from "./calibration-texts.ts";
import { reservedProblems } from "./reserved-problems.ts";
import type { RunContext } from "./run/context.ts";
import { trainingProblems } from "./run/traces-stage.ts";

/** The text a model is calibrated on, as token ids, and the record of which it is. */
export interface CalibrationSet {
  readonly sequences: readonly MeasuredSequence[];
  readonly record: CalibrationRecord;
}

/** Where calibration text comes from. */
type CalibrationSource =
  /** The model's own solutions of the run's training problems. */
  | { readonly kind: "traces" }
  /** Reference solutions of the training problems of a task. */
  | { readonly kind: "task"; readonly task: string }
  | { readonly kind: "file"; readonly path: string };

/** Reads `traces`, `task:NAME` or the path of a file. */
function parseCalibrationSource(text: string): CalibrationSource {
  if (text === "traces") return { kind: "traces" };
  if (text.startsWith("task:")) return { kind: "task", task: text.slice("task:".length) };
  return { kind: "file", path: text };
}

type Context = Pick<RunContext, "recipe" | "task" | "problems" | "model">;

/** What is longer is cut, unless the texts are packed to another length. */
const usualLength = 2048;

/**
 * The calibration text of a recipe that names a task's solutions or a file; null where it is the model's own traces, which it must write first.
 *
 * @throws {BitmendError} `verbs/bad-calibration`, `training/evaluation-leak`, `tasks/...`, `files/...`.
 */
export function writtenCalibration(context: Context): CalibrationSet | null {
  const source = parseCalibrationSource(context.recipe.quantization.calibration);
  switch (source.kind) {
    case "traces":
      return null;
    case "task":
      return taskCalibration(context, source.task);
    case "file":
      return fileCalibration(context, source.path);
    default:
      return source satisfies never;
  }
}

function taskCalibration(context: Context, name: string): CalibrationSet {
  const task = openTask(name);
  const evaluation = [...context.problems, ...reservedProblems(task)];
  const count = context.recipe.quantization.calibrationSequences;
  const problems = trainingProblems({ ...context, task, problems: evaluation }, count);
  const unsolved = problems.filter(({ solution }) => solution === undefined);
  if (unsolved.length > 0) {
    throw new BitmendError(
      "verbs/bad-calibration",
      `taskCalibration(): expected training problems of ${name} with reference solutions, got ${unsolved.length} of ${count} without (${unsolved[0]!.id}).`,
      { hint: 'Calibrate on the model\'s own: --calibration traces; or add "solution" to the lines.' },
    );
  }
  const solved = problems.map((problem) => ({ problem, solution: problem.solution! }));
  return solutionCalibration(context, { task, kind: "task", solved });
}

/** Calibration text of problems with solutions, the model's own or a task's. */
export function solutionCalibration(
  context: Pick<Context, "recipe" | "model">,
  input: {
    readonly task: Task;
    readonly kind: "traces" | "task";
    readonly solved: readonly { readonly problem: Problem; readonly solution: string }[];
  },
): CalibrationSet {
  const tokenizer = loadTokenizer(context.model);
  const texts = input.solved.map(({ problem, solution }) =>
    encodeConversation(tokenizer, [
      ...input.task.messages(problem),
      { role: "assistant", content: solution },
    ]),
  );
  return calibrationSet(context, texts, {
    kind: input.kind,
    name: input.task.name,
    chatTemplate: tokenizer.hasChatTemplate,
  });
}

function fileCalibration(context: Context, path: string): CalibrationSet {
  const { quantization, seed } = context.recipe;
  const tokenizer = loadTokenizer(context.model);
  const documents = readCalibrationFile(path);
  const evaluation = [...context.problems, ...reservedProblems(context.task)];
  refuseEvaluationTexts(
    documents.map((document) => plainText(document, tokenizer)),
    evaluation,
  );
  const chatTemplate = tokenizer.hasChatTemplate && documents.some(({ kind }) => kind === "messages");
  const facts = { kind: "file", name: path, chatTemplate } as const;
  const random = randomStream(seed, "calibration file");
  const [only] = documents;
  if (documents.length === 1 && only!.kind === "text") {
    // One long text: pieces of it are what elsewhere are documents.
    const whole = encodeDocument(tokenizer, only!);
    const length = quantization.packedLength ?? longestSequence(context.model);
    const pieces = cut(whole, Math.min(length, whole.tokenIds.length));
    const chosen = random.shuffle(pieces).slice(0, quantization.calibrationSequences);
    const texts = chosen.map((piece) => ({ ...piece, closing: [] }));
    return calibrationSet(context, texts, facts);
  }
  const chosen = random.shuffle(documents).slice(0, quantization.calibrationSequences);
  return calibrationSet(
    context,
    chosen.map((document) => encodeDocument(tokenizer, document)),
    facts,
  );
}

function plainText(document: CalibrationDocument, tokenizer: Tokenizer): NamedText {
  const { id } = document;
  switch (document.kind) {
    case "text":
      return { id, text: document.text };
    case "messages":
      return { id, text: document.messages.map(({ content }) => content).join("\n") };
    case "tokens":
      return { id, text: tokenizer.decode(document.tokenIds) };
    default:
      return document satisfies never;
  }
}

/** Brings texts to sequences as the recipe says, and describes them. */
function calibrationSet(
  { recipe, model }: Pick<Context, "recipe" | "model">,
  texts: readonly EncodedText[],
  facts: Pick<CalibrationRecord, "kind" | "name" | "chatTemplate">,
): CalibrationSet {
  const { packedLength } = recipe.quantization;
  const mostTokens = longestSequence(model);
  const sequences =
    packedLength === null
      ? texts.map((text) => shortened(text, mostTokens))
      : cut(joined(texts), packedLength);
  const offered = texts.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  if (sequences.length === 0) {
    throw new BitmendError(
      "verbs/bad-calibration",
      `calibrationSet(): expected at least one sequence of ${packedLength} tokens, got ${offered} tokens in ${texts.length} texts.`,
      { hint: "Pack shorter sequences, or give more text." },
    );
  }
  refuseForeignTokens(sequences, openModel(model).config);
  const tokens = sequences.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  return {
    sequences,
    record: {
      ...facts,
      sha256: createHash("sha256")
        .update(JSON.stringify(sequences.map(({ tokenIds }) => tokenIds)))
        .digest("hex"),
      texts: texts.length,
      sequences: sequences.length,
      tokens,
      longest: sequences.reduce((longest, { tokenIds }) => Math.max(longest, tokenIds.length), 0),
      packedLength,
      tokensLeftOut: Math.max(0, offered - tokens),
      seed: recipe.seed,
    },
  };
}

function longestSequence(model: string): number {
  return Math.min(usualLength, openModel(model).config.maxPositions);
}

function refuseForeignTokens(
  sequences: readonly MeasuredSequence[],
  { vocabularySize }: Pick<ModelConfig, "vocabularySize">,
): void {
  for (const { tokenIds } of sequences) {
    const foreign = tokenIds.find((token) => token >= vocabularySize);
    if (foreign === undefined) continue;
    throw new BitmendError(
      "verbs/bad-calibration",
      `calibrationSet(): expected tokens below ${vocabularySize}, which the model has, got ${foreign}.`,
      { hint: "The input_ids are another tokenizer's: give texts." },
    );
  }
}

function shortened({ tokenIds, counted }: EncodedText, length: number): MeasuredSequence {
  return { tokenIds: tokenIds.slice(0, length), counted: counted.slice(0, length) };
}
