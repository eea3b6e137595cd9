/**
 * @file Records as a log of Inspect, so that `inspect view` shows them and inspect_ai reads them.
 *
 * Format 2 of inspect_ai 0.3 (log/_log.py). Records hold no times of single completions and no tokens of prompts, so the log has none either, and
 * the input of a sample is the problem's question as the records have it, before any prompt of the task.
 */
import { createHash } from "node:crypto";
import type { ProblemRecord } from "../runs/problems.ts";
import type { CompletionRecord, Variant, VerdictRecord } from "../runs/records.ts";

export interface InspectLogInput {
  readonly variant: Variant;
  readonly task: { readonly name: string; readonly version: string };
  readonly generation: {
    readonly maxNewTokens: number;
    readonly temperature: number;
    readonly topP: number;
  };
  readonly seed: number;
  readonly problems: readonly ProblemRecord[];
  /** Those of the variant. */
  readonly completions: readonly CompletionRecord[];
  readonly verdicts: readonly VerdictRecord[];
  /** When the first and the last record were written. */
  readonly startedAt: Date;
  readonly completedAt: Date;
}

/** Name of the scorer in the log. */
const SCORER = "bitmend";

/** Inspect's letters for verdicts. */
const letters = { correct: "C", incorrect: "I", "no-answer": "N" } as const;
const stopReasons = { stop: "stop", length: "max_tokens" } as const;

/** One graded completion. */
interface Graded {
  readonly problem: ProblemRecord;
  readonly completion: CompletionRecord;
  readonly verdict: VerdictRecord;
}

/** The name Inspect expects of a log's file: `<time>_<task>_<id>.json`; others do not show up in a folder's list. */
export function inspectLogName(input: InspectLogInput): string {
  const time = inspectTime(input.startedAt).replaceAll(":", "-");
  // A task of one's own is named by its path; the end says most.
  const task = input.task.name.replaceAll(/[^A-Za-z0-9]+/gu, "-").slice(-60);
  return `${time}_${task}_${logId(input)}.json`;
}

/**
 * The text of the log, piece by piece; equal records give equal text.
 *
 * @yields JSON.
 */
export function* inspectLog(input: InspectLogInput): Generator<string, void, void> {
  const graded = gradedCompletions(input);
  const head = JSON.stringify(logHead(input, graded));
  // The samples come last and are many.
  yield `${head.slice(0, -1)},"samples":[`;
  for (const [index, each] of graded.entries()) {
    yield `${index === 0 ? "" : ","}\n${JSON.stringify(logSample(input, each))}`;
  }
  yield "]}\n";
}

/** In problem order, the samples of a problem one after another; without those that have no verdict yet. */
function gradedCompletions({ problems, completions, verdicts }: InspectLogInput): Graded[] {
  // The first record of a key wins, as everywhere.
  const verdictOf = new Map(verdicts.toReversed().map((verdict) => [keyOf(verdict), verdict]));
  const distinct = new Map(completions.toReversed().map((each) => [keyOf(each), each]));
  const byProblem = Map.groupBy(distinct.values(), ({ problem }) => problem);
  return problems.flatMap((problem) =>
    (byProblem.get(problem.id) ?? [])
      .toSorted((left, right) => (left.sample ?? 0) - (right.sample ?? 0))
      .flatMap((completion) => {
        const verdict = verdictOf.get(keyOf(completion));
        return verdict === undefined ? [] : [{ problem, completion, verdict }];
      }),
  );
}

function keyOf({ problem, sample = 0 }: Pick<CompletionRecord, "problem" | "sample">): string {
  return JSON.stringify([problem, sample]);
}

function logHead(input: InspectLogInput, graded: readonly Graded[]): unknown {
  const { variant, task, generation, seed, problems } = input;
  const epochs = Math.max(1, ...new Set(graded.map(({ completion }) => (completion.sample ?? 0) + 1)));
  const expected = problems.length * epochs;
  const config = {
    max_tokens: generation.maxNewTokens,
    temperature: generation.temperature,
    top_p: generation.topP,
    seed,
  };
  const newTokens = graded.reduce((sum, { completion }) => sum + completion.tokens, 0);
  const [startedAt, completedAt] = [inspectTime(input.startedAt), inspectTime(input.completedAt)];
  return {
    version: 2,
    status: graded.length === expected ? "success" : "cancelled",
    eval: {
      eval_id: logId(input),
      run_id: logId(input),
      created: startedAt,
      task: task.name,
      task_id: logId(input),
      task_version: task.version,
      dataset: { name: task.name, samples: problems.length, sample_ids: problems.map(({ id }) => id) },
      model: modelName(variant),
      model_generate_config: config,
      config: { epochs, epochs_reducer: ["mean"] },
      scorers: [{ name: SCORER, metrics: [{ name: "inspect_ai/accuracy" }, { name: "inspect_ai/stderr" }] }],
      metadata: { variant },
    },
    plan: { name: "plan", steps: [{ solver: "generate", params: {} }], config },
    results: {
      total_samples: expected,
      completed_samples: graded.length,
      scores: [logScore(graded)],
    },
    stats: {
      started_at: startedAt,
      completed_at: completedAt,
      model_usage: { [modelName(variant)]: tokenUsage(newTokens) },
    },
  };
}

/** Mean and its standard error over problems, as Inspect reduces epochs: to the mean of each problem first. */
function logScore(graded: readonly Graded[]): unknown {
  const byProblem = Map.groupBy(graded, ({ problem }) => problem.id);
  const means = [...byProblem.values()].map(
    (samples) => samples.filter(({ verdict }) => verdict.verdict === "correct").length / samples.length,
  );
  const n = means.length;
  const mean = n === 0 ? 0 : means.reduce((sum, each) => sum + each, 0) / n;
  const squares = means.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  const standardError = n < 2 ? 0 : Math.sqrt(squares / (n - 1) / n);
  return {
    name: SCORER,
    scorer: SCORER,
    reducer: "mean",
    scored_samples: n,
    unscored_samples: 0,
    metrics: {
      accuracy: { name: "accuracy", value: mean },
      stderr: { name: "stderr", value: standardError },
    },
  };
}

function logSample(input: InspectLogInput, { problem, completion, verdict }: Graded): unknown {
  const model = modelName(input.variant);
  const { id, question, answer, subject, level } = problem;
  const { text, sample = 0, finish, tokens } = completion;
  const message = { role: "assistant", source: "generate", content: text, model };
  const { extracted, comparator = null, reason = null, degenerate, thoughtsTruncated = false } = verdict;
  return {
    id,
    epoch: sample + 1,
    input: question,
    target: answer,
    messages: [{ role: "user", source: "input", content: question }, message],
    output: {
      model,
      choices: [{ message, stop_reason: stopReasons[finish] }],
      completion: text,
      usage: tokenUsage(tokens),
    },
    scores: {
      [SCORER]: {
        value: letters[verdict.verdict],
        answer: extracted,
        ...(reason === null ? {} : { explanation: reason }),
        metadata: { comparator, degenerate, thoughtsTruncated },
      },
    },
    metadata: { ...(subject === null ? {} : { subject }), ...(level === null ? {} : { level }) },
    model_usage: { [model]: tokenUsage(tokens) },
    uuid: identifier(input, id, String(sample)),
  };
}

function tokenUsage(newTokens: number): unknown {
  return { input_tokens: 0, output_tokens: newTokens, total_tokens: newTokens };
}

/** Inspect's models are named by who serves them. */
function modelName({ name }: Variant): string {
  return `bitmend/${name}`;
}

function logId(input: InspectLogInput): string {
  return identifier(input, input.startedAt.toISOString());
}

/** 22 letters and digits, as Inspect's own identifiers have; the same for the same records. */
function identifier({ variant, task, seed }: InspectLogInput, ...more: readonly string[]): string {
  const content = JSON.stringify([variant.name, task, seed, ...more]);
  return createHash("sha256")
    .update(content)
    .digest("base64")
    .replaceAll(/[^A-Za-z0-9]/gu, "")
    .slice(0, 22)
    .padEnd(22, "0");
}

/** In UTC, to the second. */
function inspectTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}+00:00`;
}
