import { join } from "node:path";
import type { CompletionEvent, GenerationEvent } from "../generation/events.ts";
import type { GenerationRequest } from "../generation/requests.ts";
import {
  type CompletionRecord,
  completionSchema,
  type VerdictRecord,
  verdictSchema,
} from "../runs/records.ts";
import type { Problem } from "../tasks/problem.ts";
import { BitmendError } from "../util/errors.ts";
import { appendJsonLines, readJsonLines } from "../util/json-lines.ts";
import { randomStream } from "../util/random.ts";
import { verdictRecord } from "./verdict-record.ts";

/** A generator with its model, sampling and token limit already chosen; a request is named after its problem. */
export type GenerateCompletions = (
  requests: readonly GenerationRequest[],
  options: { readonly signal?: AbortSignal },
) => AsyncGenerator<GenerationEvent, unknown, void>;

export interface EvaluationSetup {
  /** Name of the variant in the records. */
  readonly variant: string;
  readonly problems: readonly Problem[];
  /** The tokens a problem is asked with. */
  readonly promptIds: (problem: Problem) => readonly number[];
  readonly generate: GenerateCompletions;
  /** Seed of the run; each problem draws its own from it, the same for every variant, so that sampled comparisons stay paired. */
  readonly seed: number;
  /** The run directory; `completions.jsonl` and `verdicts.jsonl` in it are read and appended. */
  readonly directory: string;
}

export type EvaluationEvent =
  | { readonly type: "graded"; readonly completion: CompletionRecord; readonly verdict: VerdictRecord }
  | {
      readonly type: "progress";
      readonly variant: string;
      /** Problems graded, those of earlier attempts included. */
      readonly finished: number;
      readonly total: number;
      readonly correct: number;
      /** As the generator reports it, null before its first report. */
      readonly tokensPerSecond: number | null;
      /** At this attempt's rate, null before its first problem. */
      readonly secondsLeft: number | null;
    };

/** All records of one variant, in problem order. */
export interface Evaluation {
  readonly completions: readonly CompletionRecord[];
  readonly verdicts: readonly VerdictRecord[];
}

/**
 * Asks one variant every problem it has not answered yet, grades the completions and appends both records.
 *
 * The result is the same whatever part of it was already on disk: per-problem seeds, problem order, first record wins.
 *
 * @yields A record pair for every completion, and the progress after it.
 * @throws {BitmendError} `evaluation/no-problems`, `evaluation/duplicate-problems`, `evaluation/incomplete` when the generator ended
 * without an answer to every request.
 */
export async function* evaluateVariant(
  setup: EvaluationSetup,
  { signal }: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<EvaluationEvent, Evaluation, void> {
  const problemById = checkedProblems(setup.problems);
  const records = readRecords(setup, problemById);
  const open = setup.problems.filter((problem) => !records.completions.has(problem.id));
  const progress = new Progress(setup.variant, records.verdicts, setup.problems.length);
  yield progress.event();
  if (open.length > 0) {
    const requests = open.map((problem) => ({
      id: problem.id,
      promptIds: setup.promptIds(problem),
      seed: randomStream(setup.seed, "completion", problem.id).integer(2 ** 31),
    }));
    for await (const event of setup.generate(requests, signal === undefined ? {} : { signal })) {
      if (event.type === "completion") {
        const problem = problemById.get(event.id);
        if (problem !== undefined && !records.completions.has(event.id))
          yield appendGraded(setup, records, { problem, event });
      } else progress.tokensPerSecond = event.tokensPerSecond;
      yield progress.event();
    }
    signal?.throwIfAborted();
  }
  return inProblemOrder(setup, records);
}

interface Records {
  readonly completions: Map<string, CompletionRecord>;
  readonly verdicts: Map<string, VerdictRecord>;
}

function checkedProblems(problems: readonly Problem[]): ReadonlyMap<string, Problem> {
  if (problems.length === 0)
    throw new BitmendError("evaluation/no-problems", "evaluateVariant(): expected problems, got none.");
  const byId = new Map(problems.map((problem) => [problem.id, problem]));
  if (byId.size < problems.length)
    throw new BitmendError(
      "evaluation/duplicate-problems",
      `evaluateVariant(): expected distinct problems, got ${problems.length - byId.size} ids twice.`,
      { hint: "A problem counted twice would make the interval too narrow; remove the duplicates." },
    );
  return byId;
}

/** Reads what is there; a completion whose verdict was lost in a kill is graded again. */
function readRecords(
  { variant, directory }: EvaluationSetup,
  problems: ReadonlyMap<string, Problem>,
): Records {
  const own = <Kind extends { variant: string; problem: string }>(
    all: readonly Kind[],
  ): Map<string, Kind> => {
    const mine = all.filter((record) => record.variant === variant && problems.has(record.problem));
    return new Map(mine.toReversed().map((record) => [record.problem, record]));
  };
  const completions = own(readJsonLines(join(directory, "completions.jsonl"), completionSchema));
  const verdicts = own(readJsonLines(join(directory, "verdicts.jsonl"), verdictSchema));
  const lost = [...completions.values()].filter((completion) => !verdicts.has(completion.problem));
  const graded = lost.map((completion) => verdictRecord(completion, problems.get(completion.problem)!));
  appendJsonLines(join(directory, "verdicts.jsonl"), graded);
  for (const verdict of graded) verdicts.set(verdict.problem, verdict);
  return { completions, verdicts };
}

function appendGraded(
  { variant, directory }: EvaluationSetup,
  records: Records,
  { problem, event }: { problem: Problem; event: CompletionEvent },
): EvaluationEvent {
  const completion: CompletionRecord = {
    variant,
    problem: problem.id,
    text: event.text,
    tokens: event.tokenIds.length,
    finish: event.finish,
  };
  const verdict = verdictRecord(completion, problem);
  appendJsonLines(join(directory, "completions.jsonl"), [completion]);
  appendJsonLines(join(directory, "verdicts.jsonl"), [verdict]);
  records.completions.set(problem.id, completion);
  records.verdicts.set(problem.id, verdict);
  return { type: "graded", completion, verdict };
}

function inProblemOrder(
  { variant, problems }: EvaluationSetup,
  { completions, verdicts }: Records,
): Evaluation {
  const unanswered = problems.filter((problem) => !completions.has(problem.id));
  if (unanswered.length > 0)
    throw new BitmendError(
      "evaluation/incomplete",
      `evaluateVariant(): expected a completion for every problem, got none for ${unanswered.length} of ${problems.length} of ${variant}.`,
      { hint: "Start the run again to continue it." },
    );
  return {
    completions: problems.map((problem) => completions.get(problem.id)!),
    verdicts: problems.map((problem) => verdicts.get(problem.id)!),
  };
}

/** Rate and time left of this attempt. */
class Progress {
  tokensPerSecond: number | null = null;
  readonly #variant: string;
  readonly #verdicts: ReadonlyMap<string, VerdictRecord>;
  readonly #total: number;
  readonly #finishedBefore: number;
  readonly #start = performance.now();

  constructor(variant: string, verdicts: ReadonlyMap<string, VerdictRecord>, total: number) {
    this.#variant = variant;
    this.#verdicts = verdicts;
    this.#total = total;
    this.#finishedBefore = verdicts.size;
  }

  event(): EvaluationEvent {
    const finished = this.#verdicts.size;
    const now = finished - this.#finishedBefore;
    const seconds = (performance.now() - this.#start) / 1000;
    let correct = 0;
    for (const { verdict } of this.#verdicts.values()) correct += verdict === "correct" ? 1 : 0;
    return {
      type: "progress",
      variant: this.#variant,
      finished,
      total: this.#total,
      correct,
      tokensPerSecond: this.tokensPerSecond,
      secondsLeft: now === 0 ? null : (seconds / now) * (this.#total - finished),
    };
  }
}
