/** @file All records of one run, as the report takes them, and the one loader that reads a run directory. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type ProblemRecord, problemRecordSchema } from "../runs/problems.ts";
import {
  type ComparisonRecord,
  comparisonSchema,
  type CompletionRecord,
  completionSchema,
  type DiagnosisRecord,
  diagnosisSchema,
  type LayerErrorRecord,
  layerErrorSchema,
  type MedicineRecord,
  medicineSchema,
  type TrainingStepRecord,
  trainingStepSchema,
  type VerdictRecord,
  verdictSchema,
} from "../runs/records.ts";
import { readAllocations } from "../runs/read-allocations.ts";
import { type AllocationRecord, sensitivitySchema, type SensitivityRecord } from "../runs/sensitivity.ts";
import { type Summary, summarySchema } from "../runs/summary.ts";
import { BitmendError } from "../util/errors.ts";
import { readJsonLines } from "../util/json-lines.ts";

/** Everything a report is made from. */
export interface RunRecords {
  /** recipe.json and environment.json as they are; the report shows them as tables of settings. */
  readonly recipe: unknown;
  readonly environment: unknown;
  /** Empty where the run kept no problem texts. */
  readonly problems: readonly ProblemRecord[];
  readonly completions: readonly CompletionRecord[];
  readonly verdicts: readonly VerdictRecord[];
  /** In the order of the tables, full precision among them. */
  readonly comparisons: readonly ComparisonRecord[];
  readonly diagnoses: readonly DiagnosisRecord[];
  readonly medicine: readonly MedicineRecord[];
  readonly training: readonly TrainingStepRecord[];
  readonly layerErrors: readonly LayerErrorRecord[];
  /** What parts of the model lose at each width, and which widths were chosen; empty where no variant is mixed. */
  readonly sensitivities: readonly SensitivityRecord[];
  readonly allocations: readonly AllocationRecord[];
  /** Null while the run is not finished. */
  readonly summary: Summary | null;
}

/**
 * Reads the records of a run; a stage that has not run yet leaves its records empty.
 *
 * @throws {BitmendError} `report/no-run` where there are no comparisons to report, `report/malformed` and `records/malformed` name the file.
 */
export function readRun(directory: string): RunRecords {
  const lines = <Item>(name: string, schema: z.ZodType<Item>): Item[] =>
    readJsonLines(join(directory, name), schema);
  const comparisons = readJson(join(directory, "comparisons.json"), z.array(comparisonSchema));
  if (comparisons === null)
    throw new BitmendError(
      "report/no-run",
      `readRun(): expected comparisons.json in ${directory}, got none.`,
      {
        hint: "Name the directory of a run that has compared its variants.",
      },
    );
  return {
    recipe: readJson(join(directory, "recipe.json"), z.unknown()),
    environment: readJson(join(directory, "environment.json"), z.unknown()),
    problems: lines("problems.jsonl", problemRecordSchema),
    completions: lines("completions.jsonl", completionSchema),
    verdicts: lines("verdicts.jsonl", verdictSchema),
    comparisons,
    diagnoses: lines("diagnoses.jsonl", diagnosisSchema),
    medicine: lines("medicine.jsonl", medicineSchema),
    training: lines("training.jsonl", trainingStepSchema),
    layerErrors: lines("layer-errors.jsonl", layerErrorSchema),
    sensitivities: lines("sensitivity.jsonl", sensitivitySchema),
    allocations: readAllocations(directory),
    summary: readJson(join(directory, "summary.json"), summarySchema),
  };
}

/** The content of a whole JSON file, null if it is absent. */
function readJson<Content>(path: string, schema: z.ZodType<Content>): Content | null {
  if (!existsSync(path)) return null;
  try {
    return schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new BitmendError("report/malformed", `readRun(): ${path} is not a record of the expected kind.`, {
      hint: "Was it edited, or written by another version? Delete it, or run again.",
      cause,
    });
  }
}
