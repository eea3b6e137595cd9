import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { makeDirectory } from "../checkpoint/model-directory.ts";
import { inspectLog, type InspectLogInput, inspectLogName } from "../report/inspect-log.ts";
import { problemRecordSchema } from "../runs/problems.ts";
import { completionSchema, type Variant } from "../runs/records.ts";
import { writeFileAtomically } from "../util/atomic-file.ts";
import { BitmendError } from "../util/errors.ts";
import { readJsonLines } from "../util/json-lines.ts";
import { readEvaluation, type RecordedEvaluation } from "./evaluation-directory.ts";
import type { VerbRun } from "./events.ts";

export interface ExportLogOptions {
  /** Directory of measurements. */
  readonly directory: string;
  /** Directory of logs, one file a variant. */
  readonly output: string;
  /** Default: all. */
  readonly variant?: string | undefined;
}

export interface ExportLogResult {
  readonly files: readonly string[];
}

/**
 * Writes measurements as logs of Inspect, one file a variant, as Inspect has one model a log.
 *
 * @yields A stage, and progress in variants.
 * @throws {BitmendError} `verbs/no-variant` naming those there are, what `readEvaluation()` throws, `files/...`.
 */
// oxlint-disable-next-line eslint/require-await -- a verb is an async generator
export async function* exportLog({
  directory,
  output,
  variant: wanted,
}: ExportLogOptions): VerbRun<ExportLogResult> {
  const evaluation = readEvaluation(resolve(directory));
  const variants = evaluation.variants.filter(({ name }) => wanted === undefined || name === wanted);
  if (variants.length === 0) {
    const names = evaluation.variants.map(({ name }) => name).join(", ");
    throw new BitmendError(
      "verbs/no-variant",
      `exportLog(): expected a variant that ${directory} has measured (${names || "none"}), got ${wanted ?? "none"}.`,
    );
  }
  const target = resolve(output);
  makeDirectory(target);
  yield { type: "stage", name: "Writing logs", total: variants.length, unit: "variants" };
  const files: string[] = [];
  for (const variant of variants) {
    const input = logInput(evaluation, variant);
    const path = join(target, inspectLogName(input));
    writeFileAtomically(path, Buffer.concat([...inspectLog(input)].map((piece) => Buffer.from(piece))));
    files.push(path);
    yield { type: "progress", done: files.length };
  }
  yield { type: "stage-done", result: `${files.length} files` };
  return { files };
}

function logInput(evaluation: RecordedEvaluation, variant: Variant): InspectLogInput {
  const { directory, recipe, taskVersion } = evaluation;
  const { generation, seed } = recipe;
  const verdictsPath = join(directory, "verdicts.jsonl");
  return {
    variant,
    task: { name: recipe.task, version: taskVersion },
    generation,
    seed,
    problems: readJsonLines(join(directory, "problems.jsonl"), problemRecordSchema),
    completions: readJsonLines(join(directory, "completions.jsonl"), completionSchema).filter(
      ({ variant: name }) => name === variant.name,
    ),
    verdicts: evaluation.verdicts.get(variant.name) ?? [],
    startedAt: statSync(join(directory, "recipe.json")).mtime,
    completedAt: statSync(verdictsPath).mtime,
  };
}
