/** @file Directories of measurements, as `run` and `evaluate` leave them: what was asked, which variants answered, and how. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readJsonObject } from "../checkpoint/json-file.ts";
import { type ProblemRecord, problemRecordSchema } from "../runs/problems.ts";
import { type Variant, variantSchema, type VerdictRecord, verdictSchema } from "../runs/records.ts";
import type { Problem } from "../tasks/problem.ts";
import { BitmendError } from "../util/errors.ts";
import { appendJsonLines, readJsonLines } from "../util/json-lines.ts";
import { parseRunRecipe, type RunRecipe } from "./run-recipe.ts";
import { recipeVariants } from "./run/variants.ts";

/** What decides which problems are asked. */
export interface EvaluationHeader {
  readonly recipe: RunRecipe;
  readonly taskVersion: string;
}

/** All measurements of a directory. */
export interface RecordedEvaluation extends EvaluationHeader {
  readonly directory: string;
  readonly problems: readonly Problem[];
  /** Variants with at least one verdict. */
  readonly variants: readonly Variant[];
  /** By variant name, those on `problems` only; samples for reference are among them. */
  readonly verdicts: ReadonlyMap<string, readonly VerdictRecord[]>;
}

const environmentSchema = z.object({ task: z.object({ version: z.string() }) });
const evaluatedSchema = z.strictObject({ variant: variantSchema, weights: z.string() });

/** A variant that `evaluate` has asked, with a hash of its weights. */
type EvaluatedVariant = z.infer<typeof evaluatedSchema>;

/** What a directory measures; null for one that measures nothing yet. */
export function readEvaluationHeader(directory: string): EvaluationHeader | null {
  const path = join(directory, "recipe.json");
  if (!existsSync(path)) return null;
  const environment = environmentSchema.safeParse(readJsonObject(join(directory, "environment.json")));
  if (!environment.success) throw damaged(join(directory, "environment.json"));
  return { recipe: parseRunRecipe(readJsonObject(path)), taskVersion: environment.data.task.version };
}

/**
 * Reads the measurements of a directory.
 *
 * @throws {BitmendError} `verbs/no-records` where there are none; `verbs/damaged-records`, `records/malformed` naming the file.
 */
export function readEvaluation(directory: string): RecordedEvaluation {
  const header = readEvaluationHeader(directory);
  const records = readJsonLines(join(directory, "problems.jsonl"), problemRecordSchema);
  if (header === null || records.length === 0) {
    throw new BitmendError(
      "verbs/no-records",
      `readEvaluation(): expected a directory of measurements, got ${directory} without ${header === null ? "recipe.json" : "problems"}.`,
      { hint: "Name a run's directory, or one that `bitmend evaluate` wrote." },
    );
  }
  const problems = records.map((record) => asProblem(record, header.recipe));
  const asked = new Set(problems.map(({ id }) => id));
  const all = readJsonLines(join(directory, "verdicts.jsonl"), verdictSchema);
  const verdicts = Map.groupBy(
    all.filter(({ problem }) => asked.has(problem)),
    ({ variant }) => variant,
  );
  return { ...header, directory, problems, verdicts, variants: variantsOf(directory, header, verdicts) };
}

function asProblem({ id, question, answer, subject, level }: ProblemRecord, { split }: RunRecipe): Problem {
  return {
    id,
    question,
    answer,
    split,
    ...(subject === null ? {} : { subject }),
    ...(level === null ? {} : { level }),
  };
}

/** Those of the recipe and those that `evaluate` added, each once. */
function variantsOf(
  directory: string,
  { recipe }: EvaluationHeader,
  verdicts: RecordedEvaluation["verdicts"],
): Variant[] {
  const evaluated = readEvaluated(directory).map(({ variant }) => variant);
  const byName = new Map([...recipeVariants(recipe), ...evaluated].map((variant) => [variant.name, variant]));
  return [...byName.values()].filter(({ name }) => verdicts.has(name));
}

function readEvaluated(directory: string): EvaluatedVariant[] {
  return readJsonLines(join(directory, "variants.jsonl"), evaluatedSchema);
}

/**
 * Notes that a variant is asked in this directory, once.
 *
 * @throws {BitmendError} `verbs/variant-taken` when other weights were measured under its name.
 */
export function recordEvaluated(directory: string, asked: EvaluatedVariant): void {
  const { name } = asked.variant;
  const known = readEvaluated(directory).find(({ variant }) => variant.name === name);
  if (known?.weights === asked.weights) return;
  const isTaken = readJsonLines(join(directory, "verdicts.jsonl"), verdictSchema).some(
    ({ variant }) => variant === name,
  );
  if (known !== undefined || isTaken) {
    throw new BitmendError(
      "verbs/variant-taken",
      `recordEvaluated(): expected the weights that ${directory} knows as ${name}, got others.`,
      { hint: "Give these a name of their own: --variant NAME." },
    );
  }
  appendJsonLines(join(directory, "variants.jsonl"), [asked]);
}

function damaged(path: string): BitmendError {
  return new BitmendError(
    "verbs/damaged-records",
    `readEvaluationHeader(): ${path} does not name its task.`,
    {
      hint: "It was edited or written by another version; choose another directory.",
    },
  );
}
