import type { Problem, Split } from "../problem.ts";
import type { CompletionGrader, PlainPrompt, Task } from "../task.ts";
import type { LineAt } from "./read-rows.ts";

/** A file of a data set on the Hugging Face hub, at one commit. */
export interface DatasetFile {
  /** `org/name`. */
  readonly repository: string;
  /** The commit. */
  readonly revision: string;
  readonly path: string;
  /** As published independently of the hub; null: the hash that the hub has of the file at this commit is checked. */
  readonly sha256: string | null;
}

/** One file a benchmark is read from. */
export interface BenchmarkFile {
  /** Which split its rows belong to; `examples` are solved in prompts and never asked. */
  readonly split: Split | "examples";
  /** Null: not on the hub. */
  readonly dataset: DatasetFile | null;
  /** Where it lies in a directory given as `--data`, besides the data set's own layout. */
  readonly localPaths: readonly string[];
  /** The benchmark can be opened without it. */
  readonly optional?: boolean;
}

/** A problem as a row states it; the id is made from its question. */
export type ProblemOfRow = Omit<Problem, "id" | "split">;

/** A published benchmark: where its data come from, how a row becomes a problem, how it is asked and graded. */
export interface Benchmark {
  readonly name: string;
  /** Of what is decided here: prompts, selection, grading. The version of an opened task also names its data. */
  readonly version: string;
  /** Whose data, whose prompts, one sentence each. */
  readonly source: string;
  readonly licence: string;
  /** How `settings` after a colon in the task's name read, e.g. years; absent: it takes none. */
  readonly settings?: { readonly help: string; readonly pattern: RegExp };
  readonly files: (settings: string) => readonly BenchmarkFile[];
  /** Null leaves the row out. */
  readonly problem: (row: unknown, place: RowPlace) => ProblemOfRow | null;
  readonly messages: Task["messages"];
  /** From the rows of `examples` files, as many as there are. */
  readonly plainPrompt?: (examples: readonly ProblemOfRow[]) => PlainPrompt;
  /** A grader, or one made from the rows of each problem where running its tests decides. */
  readonly grade: CompletionGrader | { readonly runs: (setup: ProgramGrading) => RunningGrader };
}

/** Where a row stands. */
interface RowPlace {
  readonly settings: string;
  /** 0 upwards, within its file. */
  readonly index: number;
}

/** How completions are graded by running them. */
export type RunningGrader = Required<Pick<Task, "grade" | "prepareGrading">>;

/** What grading by running programs works with. */
interface ProgramGrading {
  /** The row of a problem, read again where it lies in a large file. */
  readonly rowOf: (problem: Problem) => unknown;
  /** Runs programs although nothing isolates them. */
  readonly unsafe: boolean;
}

/** A row kept for grading: itself, or where it lies. */
export type KeptRow = { readonly row: unknown } | { readonly line: LineAt };
