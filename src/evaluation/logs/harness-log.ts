/** @file Samples of lm-evaluation-harness (`--log_samples`, one `samples_TASK_TIME.jsonl` a task; lm_eval/evaluator.py, 0.4.13). */
import { basename } from "node:path";
import { z } from "zod";
import type { Sample, SampledProblem, SampledRun } from "../sampled-run.ts";
import { badLog, type LogRead, parseLogJson, readLogFile } from "./log-json.ts";

const lineSchema = z.looseObject({
  doc_id: z.union([z.int(), z.string()]),
  doc: z.unknown().optional(),
  /** Which of the task's answer filters this line is graded by. */
  filter: z.string().default("none"),
  metrics: z.array(z.string()).optional(),
  resps: z.unknown().optional(),
  filtered_resps: z.unknown().optional(),
});
type Line = z.infer<typeof lineSchema>;

/** One score that the lines hold: a metric under a filter. */
interface Choice {
  readonly metric: string;
  readonly filter: string;
}

export interface HarnessLogOptions {
  /** How the run is called. */
  readonly name: string;
  /** `METRIC` or `METRIC,FILTER`. Default: the first of the file. */
  readonly metric?: string | undefined;
}

/**
 * Reads the samples of one or several tasks as one run; a problem's id is `TASK/DOC_ID`, as far as the file's name says the task.
 *
 * The harness grades one answer a problem, whatever `repeats` was, and notes neither tokens nor why generation ended.
 *
 * @throws {BitmendError} `evaluation/bad-log` naming file and line; `evaluation/no-such-metric` naming those there are; `files/...`.
 */
export function readHarnessLog(
  paths: readonly string[],
  { name, metric }: HarnessLogOptions,
): LogRead<SampledRun> {
  const remarks: string[] = [];
  const problems = paths.flatMap((path) => {
    const lines = readLines(path);
    const choices = choicesIn(lines);
    const { chosen, others } = choose(choices, metric, path);
    if (others.length > 0)
      remarks.push(
        `${basename(path)}: scored by ${spell(chosen)}; also there: ${others.map(spell).join("; ")} (--metric).`,
      );
    return problemsOf(lines, { chosen, path, task: taskName(path), severalTasks: paths.length > 1 });
  });
  return { run: { name, tool: "lm-evaluation-harness", problems }, remarks };
}

/** The task in `samples_TASK_2026-11-22T01-02-03.000000.jsonl`; null for a file that a person named. */
export function taskName(path: string): string | null {
  if (!basename(path).startsWith("samples_")) return null;
  return basename(path)
    .replace(/\.jsonl$/u, "")
    .replace(/^samples_/u, "")
    .replace(/_\d{4}-\d\d-\d\dT[\d.-]+$/u, "");
}

interface NumberedLine {
  readonly line: Line;
  readonly where: string;
}

function readLines(path: string): NumberedLine[] {
  const lines = readLogFile(path).toString("utf8").split("\n");
  const read = lines.flatMap((text, index) => {
    const where = `${path}:${index + 1}`;
    return text.trim() === "" ? [] : [{ line: parseLogJson(text, lineSchema, where), where }];
  });
  if (read.length === 0) throw badLog(path, "samples", { got: "none" });
  return read;
}

/** Scores in the order of the file; without a list of metrics (before 0.4.4), every number or truth value but the id. */
function choicesIn(lines: readonly NumberedLine[]): Choice[] {
  const found = new Map<string, Choice>();
  for (const { line } of lines) {
    const names = line.metrics ?? Object.keys(line).filter((key) => key !== "doc_id");
    for (const metric of names)
      if (isScore(line[metric])) {
        const choice = { metric, filter: line.filter };
        found.set(spell(choice), choice);
      }
  }
  return [...found.values()];
}

function choose(
  choices: readonly Choice[],
  wanted: string | undefined,
  path: string,
): { chosen: Choice; others: Choice[] } {
  const fitting =
    wanted === undefined
      ? choices
      : choices.filter((choice) => choice.metric === wanted || spell(choice) === wanted);
  const [chosen] = fitting;
  if (chosen !== undefined) return { chosen, others: choices.filter((choice) => choice !== chosen) };
  throw badLog(path, wanted === undefined ? "a score from 0 to 1" : `a score ${wanted}`, {
    got: choices.map(spell).join("; ") || "none",
  });
}

function spell({ metric, filter }: Choice): string {
  return `${metric},${filter}`;
}

function isScore(value: unknown): value is number | boolean {
  return typeof value === "boolean" || (typeof value === "number" && value >= 0 && value <= 1);
}

function problemsOf(
  lines: readonly NumberedLine[],
  {
    chosen,
    path,
    task,
    severalTasks,
  }: { chosen: Choice; path: string; task: string | null; severalTasks: boolean },
): SampledProblem[] {
  const problems = new Map<string, SampledProblem>();
  for (const { line, where } of lines) {
    if (line.filter !== chosen.filter) continue;
    const value = line[chosen.metric];
    if (!isScore(value))
      throw badLog(where, `${chosen.metric} from 0 to 1`, { got: JSON.stringify(value) ?? "none" });
    const id = task === null ? `${line.doc_id}` : `${task}/${line.doc_id}`;
    if (problems.has(id)) throw badLog(where, `one line for problem ${line.doc_id}`, { got: "a second" });
    const document = z.record(z.string(), z.unknown()).catch({}).parse(line.doc);
    const named = (keys: readonly string[]): string | null =>
      textOf(keys.map((key) => document[key]).find((each) => textOf(each) !== null));
    problems.set(id, {
      id,
      question: named(["question", "problem", "input", "prompt", "query"]),
      subject: named(["subject", "category", "type"]) ?? (severalTasks ? task : null),
      level: named(["level", "difficulty"]),
      samples: [sampleOf(line, Number(value))],
    });
  }
  if (problems.size === 0) throw badLog(path, "problems", { got: "none" });
  return [...problems.values()];
}

function sampleOf(line: Line, score: number): Sample {
  const answer = firstText(line.filtered_resps);
  return {
    score,
    answer: answer === "[invalid]" ? null : answer,
    text: firstText(line.resps),
    tokens: null,
    truncated: null,
  };
}

/** The first element of nested lists where it is a text; multiple choice holds probabilities there. */
function firstText(value: unknown): string | null {
  let first = value;
  for (let depth = 0; Array.isArray(first) && depth < 4; depth++) first = (first as readonly unknown[])[0];
  return typeof first === "string" ? first : null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : null;
}
