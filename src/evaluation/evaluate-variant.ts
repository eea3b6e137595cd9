import { join } from "node:path";
import type { CompletionEvent, GenerationEvent } from "../generation/events.ts";
import type { GenerationRequest } from "../generation/requests.ts";
import {
  type CompletionRecord,
  completionSchema,
  type VerdictRecord,
  verdictSchema,
} from "../runs/records.ts";
import { gradeByNumber } from "../tasks/grade-completion.ts";
import type { Problem } from "../tasks/problem.ts";
import type { CompletionGrader } from "../tasks/task.ts";
import { BitmendError } from "../util/errors.ts";
import { appendJsonLines, readJsonLines } from "../util/json-lines.ts";
import { randomStream } from "../util/random.ts";
import { verdictRecord } from "./verdict-record.ts";

/** One problem that is asked: a model here reads the tokens, one behind an API is sent messages made from the problem. */
interface EvaluationRequest extends GenerationRequest {
  readonly problem: Problem;
}

/** A generator with its model, sampling and token limit already chosen; a request is named after its problem. */
export type GenerateCompletions = (
  requests: readonly EvaluationRequest[],
  options: { readonly signal?: AbortSignal },
) => AsyncGenerator<GenerationEvent, unknown, void>;

export interface EvaluationSetup {
  /** Name of the variant in the records. */
  readonly variant: string;
  readonly problems: readonly Problem[];
  /** The tokens a problem is asked with; none for a model that is sent messages. */
  readonly promptIds: (problem: Problem) => readonly number[];
  readonly generate: GenerateCompletions;
  /** Default: by number. */
  readonly grade?: CompletionGrader;
  /** Called before the first completion is asked for; an error ends the evaluation. */
  readonly prepareGrading?: (() => Promise<void>) | undefined;
  /** Completions of every problem. Default: 1. More are of use only where `generate` samples. */
  readonly samples?: number;
  /** Seed of the run; each sample draws its own from it, the same for every variant, so that sampled comparisons stay paired. */
  readonly seed: number;
  /** The run directory; `completions.jsonl` and `verdicts.jsonl` in it are read and appended. */
  readonly directory: string;
}

export type EvaluationEvent =
  | { readonly type: "graded"; readonly completion: CompletionRecord; readonly verdict: VerdictRecord }
  | {
      readonly type: "progress";
      readonly variant: string;
      /** Completions graded, those of earlier attempts included. */
      readonly finished: number;
      readonly total: number;
      readonly correct: number;
      /** As the generator reports it, null before its first report. */
      readonly tokensPerSecond: number | null;
      /** At this attempt's rate, null before its first problem. */
      readonly secondsLeft: number | null;
    };

/** All records of one variant, in problem order, the samples of a problem one after another. */
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
  const asked = checkedCompletions(setup);
  const records = await readRecords(setup, asked);
  const open = [...asked].filter(([id]) => !records.completions.has(id));
  const progress = new Progress(setup.variant, records.verdicts, asked.size);
  yield progress.event();
  if (open.length > 0) {
    await setup.prepareGrading?.();
    const requests = open.map(([id, { problem, sample }]) => ({
      id,
      problem,
      promptIds: setup.promptIds(problem),
      seed: seedOf(setup.seed, problem, sample),
    }));
    for await (const event of setup.generate(requests, signal === undefined ? {} : { signal })) {
      if (event.type === "completion") {
        const wanted = asked.get(event.id);
        if (wanted !== undefined && !records.completions.has(event.id))
          yield await appendGraded(setup, records, { ...wanted, event });
      } else progress.tokensPerSecond = event.tokensPerSecond;
      yield progress.event();
    }
    signal?.throwIfAborted();
  }
  return inProblemOrder(setup, asked, records);
}

/** One completion that is wanted; its key is that of its request, and the problem's id for the first sample. */
interface WantedCompletion {
  readonly problem: Problem;
  readonly sample: number;
}

type Wanted = ReadonlyMap<string, WantedCompletion>;

interface Records {
  readonly completions: Map<string, CompletionRecord>;
  readonly verdicts: Map<string, VerdictRecord>;
}

/** The first sample is drawn as if it were the only one. */
function seedOf(seed: number, { id }: Problem, sample: number): number {
  const more = sample === 0 ? [] : [sample];
  return randomStream(seed, "completion", id, ...more).integer(2 ** 31);
}

function keyOf({
  problem,
  sample = 0,
}: {
  readonly problem: string;
  readonly sample?: number | undefined;
}): string {
  return sample === 0 ? problem : `${problem}~sample-${sample}`;
}

function checkedCompletions({ problems, samples = 1 }: EvaluationSetup): Wanted {
  if (problems.length === 0)
    throw new BitmendError("evaluation/no-problems", "evaluateVariant(): expected problems, got none.");
  const distinct = new Set(problems.map(({ id }) => id)).size;
  if (distinct < problems.length)
    throw new BitmendError(
      "evaluation/duplicate-problems",
      `evaluateVariant(): expected distinct problems, got ${problems.length - distinct} ids twice.`,
      { hint: "A problem counted twice would make the interval too narrow; remove the duplicates." },
    );
  if (!Number.isSafeInteger(samples) || samples < 1)
    throw new BitmendError(
      "evaluation/bad-samples",
      `evaluateVariant(): expected at least one sample of every problem, got ${samples}.`,
    );
  return new Map(
    problems.flatMap((problem) =>
      Array.from({ length: samples }, (_, sample) => [
        keyOf({ problem: problem.id, sample }),
        { problem, sample },
      ]),
    ),
  );
}

/** Reads what is there; a completion whose verdict was lost in a kill is graded again. */
async function readRecords(
  { variant, directory, grade = gradeByNumber }: EvaluationSetup,
  asked: Wanted,
): Promise<Records> {
  const own = <Kind extends { variant: string; problem: string; sample?: number | undefined }>(
    all: readonly Kind[],
  ): Map<string, Kind> => {
    const mine = all.filter((record) => record.variant === variant && asked.has(keyOf(record)));
    return new Map(mine.toReversed().map((record) => [keyOf(record), record]));
  };
  const completions = own(readJsonLines(join(directory, "completions.jsonl"), completionSchema));
  const verdicts = own(readJsonLines(join(directory, "verdicts.jsonl"), verdictSchema));
  for (const [key, completion] of completions) {
    if (verdicts.has(key)) continue;
    // One after another: grading may run programs.
    // oxlint-disable-next-line eslint/no-await-in-loop -- see above
    const verdict = await verdictRecord(completion, { problem: asked.get(key)!.problem, grade });
    appendJsonLines(join(directory, "verdicts.jsonl"), [verdict]);
    verdicts.set(key, verdict);
  }
  return { completions, verdicts };
}

async function appendGraded(
  { variant, directory, grade = gradeByNumber }: EvaluationSetup,
  records: Records,
  { problem, sample, event }: WantedCompletion & { event: CompletionEvent },
): Promise<EvaluationEvent> {
  const completion: CompletionRecord = {
    variant,
    problem: problem.id,
    ...(sample === 0 ? {} : { sample }),
    text: event.text,
    tokens: event.tokens ?? event.tokenIds.length,
    finish: event.finish,
  };
  appendJsonLines(join(directory, "completions.jsonl"), [completion]);
  const verdict = await verdictRecord(completion, { problem, grade });
  appendJsonLines(join(directory, "verdicts.jsonl"), [verdict]);
  records.completions.set(event.id, completion);
  records.verdicts.set(event.id, verdict);
  return { type: "graded", completion, verdict };
}

function inProblemOrder(
  { variant }: EvaluationSetup,
  asked: Wanted,
  { completions, verdicts }: Records,
): Evaluation {
  const keys = [...asked.keys()];
  const unanswered = keys.filter((key) => !completions.has(key));
  if (unanswered.length > 0)
    throw new BitmendError(
      "evaluation/incomplete",
      `evaluateVariant(): expected a completion for every request, got none for ${unanswered.length} of ${keys.length} of ${variant}.`,
      { hint: "Start the run again to continue it." },
    );
  return {
    completions: keys.map((key) => completions.get(key)!),
    verdicts: keys.map((key) => verdicts.get(key)!),
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
