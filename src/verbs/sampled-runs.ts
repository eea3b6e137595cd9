import { join } from "node:path";
import type { Sample, SampledProblem, SampledRun } from "../evaluation/sampled-run.ts";
import { type CompletionRecord, completionSchema, type VerdictRecord } from "../runs/records.ts";
import type { Problem } from "../tasks/problem.ts";
import { readJsonLines } from "../util/json-lines.ts";
import { readEvaluation } from "./evaluation-directory.ts";

/**
 * The variants of a directory that bitmend wrote, each with what it answered; a remark names those that have not answered every problem.
 *
 * @throws {BitmendError} what `readEvaluation` throws.
 */
export function readSampledRuns(directory: string): { runs: SampledRun[]; remarks: string[] } {
  const { problems, variants, verdicts, recipe } = readEvaluation(directory);
  const { samples: wanted = 1 } = recipe.generation;
  const completions = Map.groupBy(
    readJsonLines(join(directory, "completions.jsonl"), completionSchema),
    ({ variant }) => variant,
  );
  const runs: SampledRun[] = [];
  const remarks: string[] = [];
  for (const { name } of variants) {
    const asked = sampledProblems(problems, verdicts.get(name) ?? [], completions.get(name) ?? []);
    const answered = asked.filter(({ samples }) => samples.length >= wanted);
    if (answered.length === problems.length) runs.push({ name, tool: "bitmend", problems: answered });
    else
      remarks.push(`${name} is left out: it has answered ${answered.length} of ${problems.length} problems.`);
  }
  return { runs, remarks };
}

/** In problem order, those with at least one verdict. */
function sampledProblems(
  problems: readonly Problem[],
  verdicts: readonly VerdictRecord[],
  completions: readonly CompletionRecord[],
): SampledProblem[] {
  const texts = new Map(completions.toReversed().map((record) => [sampleKey(record), record]));
  const byProblem = Map.groupBy(verdicts, ({ problem }) => problem);
  return problems.flatMap(({ id, question, subject, level }) => {
    // Several records of one sample come from kills; the first counts.
    const own = new Map((byProblem.get(id) ?? []).toReversed().map((record) => [sampleKey(record), record]));
    if (own.size === 0) return [];
    const samples = [...own.values()]
      .toSorted((left, right) => sampleNumber(left) - sampleNumber(right))
      .map((verdict) => sampleOf(verdict, texts.get(sampleKey(verdict))));
    return [{ id, question, subject: subject ?? null, level: level?.toString() ?? null, samples }];
  });
}

function sampleOf({ verdict, extracted }: VerdictRecord, completion: CompletionRecord | undefined): Sample {
  return {
    score: verdict === "correct" ? 1 : 0,
    answer: extracted,
    text: completion?.text ?? null,
    tokens: completion?.tokens ?? null,
    truncated: completion === undefined ? null : completion.finish === "length",
  };
}

/** Records from before there were samples have none: theirs is the first. */
function sampleNumber({
  sample,
}: {
  readonly problem: string;
  readonly sample?: number | undefined;
}): number {
  return sample ?? 0;
}

function sampleKey(record: { readonly problem: string; readonly sample?: number | undefined }): string {
  return `${sampleNumber(record)} ${record.problem}`;
}
