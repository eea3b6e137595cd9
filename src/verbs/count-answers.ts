import { summarizeSamples } from "../evaluation/sample-summary.ts";
import type { CompletionRecord, VerdictRecord } from "../runs/records.ts";
import type { SampleSummary } from "../runs/run-comparison.ts";
import type { Problem } from "../tasks/problem.ts";

/** What one variant got right. Accuracies are fractions of 1. */
export interface AnswerCounts {
  /** Problems. */
  readonly n: number;
  /** Of all completions. */
  readonly accuracy: number;
  /** 95 %: Wilson for one sample a problem, Student over problems for several. */
  readonly interval: readonly [number, number];
  /** Completions. */
  readonly degenerate: number;
  /** Completions that the token limit ended, and those of them that it ended inside their thoughts. */
  readonly truncated: number;
  readonly thoughtsTruncated: number;
  /** Completions right, by subject and by level: [name, correct, completions]. */
  readonly bySubject: readonly (readonly [string, number, number])[];
  readonly byLevel: readonly (readonly [string, number, number])[];
  /** pass@k and maj@k, for more than one sample a problem. */
  readonly sampled?: SampleSummary;
}

/** The records of one variant, all its samples. */
interface AnswerRecords {
  readonly verdicts: readonly VerdictRecord[];
  readonly completions: readonly CompletionRecord[];
}

/** Counts the answers of one variant to `problems`. */
export function countAnswers(
  problems: readonly Problem[],
  { verdicts, completions }: AnswerRecords,
): AnswerCounts {
  const byProblem = Map.groupBy(verdicts, ({ problem }) => problem);
  const summary = summarizeSamples(
    problems.map(({ id, question }) => ({
      id,
      question,
      subject: null,
      level: null,
      samples: byProblem.get(id)!.map(({ verdict, extracted }) => ({
        score: verdict === "correct" ? 1 : 0,
        answer: extracted,
        text: null,
        tokens: null,
        truncated: null,
      })),
    })),
  );
  const count = (nameOf: (problem: Problem) => string | undefined): [string, number, number][] => {
    const named = problems.filter((problem) => nameOf(problem) !== undefined);
    const groups = [...Map.groupBy(named, (problem) => nameOf(problem)!)];
    return groups
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, members]) => {
        const graded = members.flatMap(({ id }) => byProblem.get(id)!);
        return [name, graded.filter(({ verdict }) => verdict === "correct").length, graded.length];
      });
  };
  return {
    n: problems.length,
    accuracy: summary.score,
    interval: summary.interval,
    degenerate: verdicts.filter(({ degenerate }) => degenerate !== null).length,
    truncated: completions.filter(({ finish }) => finish === "length").length,
    thoughtsTruncated: verdicts.filter(({ thoughtsTruncated }) => thoughtsTruncated === true).length,
    bySubject: count(({ subject }) => subject),
    byLevel: count(({ level }) => level?.toString()),
    ...(summary.samples === 1 ? {} : { sampled: summary }),
  };
}
