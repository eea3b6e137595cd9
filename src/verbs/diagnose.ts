import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Agreement } from "../diagnosis/agreement.ts";
import {
  type CompletionRecord,
  completionSchema,
  type DiagnosisRecord,
  type Variant,
} from "../runs/records.ts";
import { BitmendError } from "../util/errors.ts";
import { readJsonLines } from "../util/json-lines.ts";
import { readEvaluation, type RecordedEvaluation } from "./evaluation-directory.ts";
import type { VerbRun } from "./events.ts";
import { concludeAgreement } from "./run/conclude.ts";
import { diagnoseStage } from "./run/diagnose-stage.ts";
import { fullVariant } from "./run/variants.ts";

export interface DiagnoseOptions {
  /** A directory of measurements. */
  readonly directory: string;
  /** The variant whose right completions failures are held against. Default: `full`, where it was measured. */
  readonly baseline?: string | undefined;
}

/** One failing completion with what it was asked and how the baseline solved it. */
export interface FailureCase extends DiagnosisRecord {
  readonly question: string;
  readonly expected: string;
  /** The right solution it was held against, null where the baseline has none. */
  readonly reference: string | null;
}

export interface DiagnoseResult {
  readonly variants: readonly Variant[];
  /** By variant and then by problem. */
  readonly failures: readonly FailureCase[];
  /** Against the generator's truth, null where the task has none. */
  readonly agreement: Pick<Agreement, "stepAgreement" | "typeAgreement"> | null;
  /** Where the diagnoses were written. */
  readonly file: string;
}

/**
 * Names the first wrong step of every failing solution of a directory and writes diagnoses.jsonl anew.
 *
 * @yields Progress in failures.
 * @throws {BitmendError} `verbs/no-records`, `verbs/no-baseline`.
 */
export async function* diagnose(
  { directory, baseline: wanted }: DiagnoseOptions,
  { signal }: { readonly signal?: AbortSignal } = {},
): VerbRun<DiagnoseResult> {
  const evaluation = readEvaluation(resolve(directory));
  const { variants, problems, recipe } = evaluation;
  const references = referenceNames(evaluation, wanted);
  if (references.length === 0) {
    const text = `Without right solutions: ${fullVariant.name} was not measured here. Failures are judged by their text and the answer alone.`;
    yield { type: "remark", text };
  }
  const file = join(evaluation.directory, "diagnoses.jsonl");
  // Diagnosed in seconds, and an older diagnosis may have been held against other solutions.
  rmSync(file, { force: true });
  const context = { directory: evaluation.directory, problems, recipe, signal };
  const diagnoses = yield* diagnoseStage(context, { variants, references });
  const completions = readJsonLines(join(evaluation.directory, "completions.jsonl"), completionSchema);
  const measured = variants.map((variant) => {
    const own = completions.filter((completion) => completion.variant === variant.name);
    return { variant, evaluation: { completions: own, verdicts: evaluation.verdicts.get(variant.name)! } };
  });
  const agreement = diagnoses.length === 0 ? null : concludeAgreement(context, { measured, diagnoses });
  const failures = failureCases(evaluation, { diagnoses, completions, references });
  return { variants, failures, agreement, file };
}

/** The baseline and the samples drawn from it, the most trusted first. */
function referenceNames(
  { verdicts, variants, directory }: RecordedEvaluation,
  wanted: string | undefined,
): string[] {
  const name = wanted ?? fullVariant.name;
  if (!verdicts.has(name)) {
    if (wanted === undefined) return [];
    throw new BitmendError(
      "verbs/no-baseline",
      `diagnose(): expected ${wanted} among the variants of ${directory}, got ${variants.map((variant) => variant.name).join(", ")}.`,
    );
  }
  return [name, ...[...verdicts.keys()].filter((each) => each.startsWith(`${name}~`))];
}

function failureCases(
  { problems, verdicts }: RecordedEvaluation,
  {
    diagnoses,
    completions,
    references,
  }: {
    readonly diagnoses: readonly DiagnosisRecord[];
    readonly completions: readonly CompletionRecord[];
    readonly references: readonly string[];
  },
): FailureCase[] {
  const byId = new Map(problems.map((problem) => [problem.id, problem]));
  const right = new Set(
    references.flatMap((name) =>
      verdicts
        .get(name)!
        .flatMap(({ verdict, problem }) => (verdict === "correct" ? [caseKey(name, problem)] : [])),
    ),
  );
  const texts = new Map(completions.map(({ variant, problem, text }) => [caseKey(variant, problem), text]));
  return diagnoses.map((diagnosis) => {
    const { question, answer } = byId.get(diagnosis.problem)!;
    const reference = references
      .map((name) => caseKey(name, diagnosis.problem))
      .find((name) => right.has(name));
    return {
      ...diagnosis,
      question,
      expected: answer,
      reference: reference === undefined ? null : (texts.get(reference) ?? null),
    };
  });
}

function caseKey(variant: string, problem: string): string {
  return JSON.stringify([variant, problem]);
}
