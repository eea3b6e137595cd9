/** The split a problem belongs to; evaluation reads `test`, choices are made on `validation`, everything learned comes from `train`. */
export type Split = "train" | "validation" | "test";

/** One question of a task. */
export interface Problem {
  /** Unique and stable: the same text has the same id in every run. */
  readonly id: string;
  /** The text the model is asked, before any chat template. */
  readonly question: string;
  /** The right final answer. */
  readonly answer: string;
  /** A right solution as a model should write it, where the task knows one. */
  readonly solution?: string;
  readonly split: Split;
  /** Family or subject, for tables. */
  readonly subject?: string;
  /** Difficulty as the task states it, 1 upwards. */
  readonly level?: number;
}
