/** One answer to one problem. */
export interface Sample {
  /** 0 to 1. */
  readonly score: number;
  /** As the grader found it; null for none, and where the log does not say. */
  readonly answer: string | null;
  /** The whole text; null where the log does not hold it. */
  readonly text: string | null;
  /** Generated tokens; null where the log does not say. */
  readonly tokens: number | null;
  /** Whether the token limit ended the text; null where the log does not say. */
  readonly truncated: boolean | null;
}

/** A problem with everything that one system answered. */
export interface SampledProblem {
  readonly id: string;
  /** What was asked; null where the log does not say. */
  readonly question: string | null;
  readonly subject: string | null;
  readonly level: string | null;
  /** At least one, in the order of their numbers. */
  readonly samples: readonly Sample[];
}

/** One system measured on problems, by bitmend or another tool. */
export interface SampledRun {
  readonly name: string;
  /** Runs of one tool and task call the same problem by the same id. */
  readonly tool: "bitmend" | "lm-evaluation-harness" | "inspect";
  readonly problems: readonly SampledProblem[];
}

/** Mean score of a problem's samples. */
export function meanScore({ samples }: SampledProblem): number {
  return samples.reduce((sum, { score }) => sum + score, 0) / samples.length;
}

/** Whether more than half of the score was won: for one sample, whether it is right. */
export function isSolved(problem: SampledProblem): boolean {
  return meanScore(problem) > 0.5;
}
