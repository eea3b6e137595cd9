import type { Problem, Split } from "./problem.ts";

/** One message of a chat, as chat templates take it. */
interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** Which problems of a task. */
interface ProblemSelection {
  readonly split: Split;
  readonly seed: number | string;
  readonly count: number;
}

/** The grade of one completion. */
export interface GradedCompletion {
  readonly verdict: "correct" | "incorrect" | "no-answer";
  /** The answer found in the text, null if none. */
  readonly extracted: string | null;
  /** What decided that the answer is right. */
  readonly comparator?: string | null;
  /** For people. */
  readonly reason?: string;
  /** The token limit ended the text inside its thoughts. */
  readonly thoughtsTruncated?: true;
}

/** Grades what a model wrote for a problem. */
export type CompletionGrader = (
  problem: Problem,
  completion: { readonly text: string; readonly finish: "stop" | "length" },
) => GradedCompletion | Promise<GradedCompletion>;

/** How a model without a chat template is asked: a text that it continues. */
export interface PlainPrompt {
  /** Solved examples and the problem, up to where the solution begins. */
  readonly text: (problem: Problem) => string;
  /** Strings at which the continuation is over. */
  readonly stop: readonly string[];
}

/** A set of problems that models are measured on or learn from. */
export interface Task {
  readonly name: string;
  /** Changes whenever the same selection gives other problems. */
  readonly version: string;
  /** Where the problems come from, as one sentence. */
  readonly source: string;
  /** SPDX identifier, or null where nobody told. */
  readonly licence: string | null;
  /** How many problems a split has; null where they are generated without end. */
  readonly available: (split: Split) => number | null;
  /**
   * Distinct problems of one split: equal selections give equal problems, and the first k of n are the k drawn alone.
   *
   * @throws {BitmendError} `tasks/bad-options` for a count that is no whole number of at least 1, `tasks/exhausted` when the split has fewer.
   */
  readonly problems: (selection: ProblemSelection) => readonly Problem[];
  /** What the model is asked. */
  readonly messages: (problem: Problem) => readonly ChatMessage[];
  /** For base models; absent: the messages as they are. */
  readonly plainPrompt?: PlainPrompt;
  /** Fails, before anything is generated, with what would keep `grade` from its work; absent: it needs nothing. */
  readonly prepareGrading?: () => Promise<void>;
  readonly grade: CompletionGrader;
}
