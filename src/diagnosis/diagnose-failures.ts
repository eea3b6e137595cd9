import { join } from "node:path";
import {
  type CompletionRecord,
  completionSchema,
  type DiagnosisRecord,
  diagnosisSchema,
  type VerdictRecord,
  verdictSchema,
} from "../runs/records.ts";
import type { Problem } from "../tasks/problem.ts";
import { BitmendError } from "../util/errors.ts";
import { appendJsonLines, readJsonLines } from "../util/json-lines.ts";
import { diagnose } from "./diagnose.ts";

export interface DiagnosisSetup {
  /** The run directory: `completions.jsonl` and `verdicts.jsonl` are read, `diagnoses.jsonl` is read and appended. */
  readonly directory: string;
  readonly problems: readonly Problem[];
  /** Names of the variants whose failures are diagnosed. */
  readonly variants: readonly string[];
  /**
   * Names of the variants whose completions on the same problem serve as right solutions (or, where all are wrong, are repaired), the most trusted first. Name them all from the start:
   * a continued run must compare with the same texts.
   */
  readonly referenceVariants: readonly string[];
  /** More right solutions by problem id, e.g. sampled from the full-precision model; tried after the variants'. */
  readonly extraReferences?: ReadonlyMap<string, readonly string[]>;
}

export type DiagnosisEvent =
  | { readonly type: "diagnosed"; readonly diagnosis: DiagnosisRecord }
  | { readonly type: "progress"; readonly finished: number; readonly total: number };

/** Records are written after this many cases, so that a kill costs little and the disk is not asked for every line. */
const casesPerWrite = 64;

/**
 * Diagnoses every failing completion that has no diagnosis yet and appends the records.
 *
 * Returns all diagnoses of the variants, by variant and then by problem order, the same whatever part was already on disk.
 *
 * @yields Each new diagnosis, and the progress after every write.
 * @throws {BitmendError} `diagnosis/no-records` when a variant has no verdicts on the problems.
 */
export async function* diagnoseFailures(
  setup: DiagnosisSetup,
  { signal }: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<DiagnosisEvent, DiagnosisRecord[], void> {
  const records = readRecords(setup);
  const failures = failingCompletions(setup, records);
  const done = new Map(records.diagnoses.map((diagnosis) => [caseKey(diagnosis), diagnosis]));
  const open = failures.filter((failure) => !done.has(caseKey(failure)));
  const total = failures.length;
  yield { type: "progress", finished: total - open.length, total };
  for (let start = 0; start < open.length; start += casesPerWrite) {
    // Lets a signal or another generator in between two writes.
    // oxlint-disable-next-line eslint/no-await-in-loop -- a pause between sequential writes
    await Promise.resolve();
    signal?.throwIfAborted();
    const batch = open
      .slice(start, start + casesPerWrite)
      .map((failure) => diagnoseOne(setup, records, failure));
    appendJsonLines(join(setup.directory, "diagnoses.jsonl"), batch);
    for (const diagnosis of batch) {
      done.set(caseKey(diagnosis), diagnosis);
      yield { type: "diagnosed", diagnosis };
    }
    yield { type: "progress", finished: total - open.length + start + batch.length, total };
  }
  return failures.map((failure) => done.get(caseKey(failure))!);
}

interface Records {
  readonly completions: ReadonlyMap<string, CompletionRecord>;
  readonly verdicts: ReadonlyMap<string, VerdictRecord>;
  readonly diagnoses: readonly DiagnosisRecord[];
  readonly problems: ReadonlyMap<string, Problem>;
}

interface CaseName {
  readonly variant: string;
  readonly problem: string;
}

const caseKey = ({ variant, problem }: CaseName): string => JSON.stringify([variant, problem]);

/** By variant and problem; the first record of a case wins. */
function byCase<Kind extends CaseName>(all: readonly Kind[]): Map<string, Kind> {
  return new Map(all.toReversed().map((record) => [caseKey(record), record]));
}

function readRecords({ directory, problems }: DiagnosisSetup): Records {
  return {
    completions: byCase(readJsonLines(join(directory, "completions.jsonl"), completionSchema)),
    verdicts: byCase(readJsonLines(join(directory, "verdicts.jsonl"), verdictSchema)),
    diagnoses: readJsonLines(join(directory, "diagnoses.jsonl"), diagnosisSchema),
    problems: new Map(problems.map((problem) => [problem.id, problem])),
  };
}

/** Cases of the variants that are graded and not correct, by variant and problem order. */
function failingCompletions({ variants, problems }: DiagnosisSetup, { verdicts }: Records): CaseName[] {
  const names = (variant: string): CaseName[] => problems.map(({ id }) => ({ variant, problem: id }));
  const ungraded = variants.filter((variant) => names(variant).every((name) => !verdicts.has(caseKey(name))));
  if (ungraded.length > 0)
    throw new BitmendError(
      "diagnosis/no-records",
      `diagnoseFailures(): expected verdicts of every variant, got none of ${ungraded.join(", ")}.`,
      { hint: "Evaluate the variants on these problems first." },
    );
  return variants
    .flatMap((variant) => names(variant))
    .filter((name) => {
      const verdict = verdicts.get(caseKey(name));
      return verdict !== undefined && verdict.verdict !== "correct";
    });
}

function diagnoseOne(
  setup: DiagnosisSetup,
  records: Records,
  { variant, problem }: CaseName,
): DiagnosisRecord {
  const { completions, verdicts, problems } = records;
  const { question, answer } = problems.get(problem)!;
  const key = caseKey({ variant, problem });
  const texts = (correct: boolean): string[] =>
    setup.referenceVariants
      .map((reference) => caseKey({ variant: reference, problem }))
      .filter(
        (reference) => reference !== key && (verdicts.get(reference)?.verdict === "correct") === correct,
      )
      .flatMap((reference) => completions.get(reference)?.text ?? []);
  const diagnosis = diagnose({
    question,
    completion: completions.get(key)?.text ?? "",
    references: [...texts(true), ...(setup.extraReferences?.get(problem) ?? [])],
    answer,
    otherAttempts: texts(false),
    degenerate: verdicts.get(key)!.degenerate,
  });
  return { variant, problem, ...diagnosis };
}
