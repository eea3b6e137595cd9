import { BitmendError } from "../util/errors.ts";
import type { SampledProblem, SampledRun } from "./sampled-run.ts";

/** Runs brought to the problems that all of them answered, in the order of the first and under its ids. */
export interface PairedRuns {
  readonly runs: readonly SampledRun[];
  /** How many problems each run had that are left out now, in the order of the runs. */
  readonly leftOut: readonly number[];
}

/**
 * Finds the problems that all runs share: by id among runs of one tool, by the text of the question (spaces aside) between tools and where no id is shared. Questions that
 * a run has twice name no problem and are left out.
 *
 * @throws {BitmendError} `evaluation/unpaired` where nothing is shared, and where one id stands for two questions.
 */
export function pairRuns(runs: readonly SampledRun[]): PairedRuns {
  const isOneTool = new Set(runs.map(({ tool }) => tool)).size === 1;
  const byId = runs.map((run) => keyedProblems(run, false));
  const byQuestion = !isOneTool || sharedKeys(byId).length === 0;
  const keyed = byQuestion ? runs.map((run) => keyedProblems(run, true)) : byId;
  const shared = sharedKeys(keyed);
  if (shared.length === 0)
    throw new BitmendError(
      "evaluation/unpaired",
      `pairRuns(): expected problems that all runs answered, got none with the same id or question (${exampleIds(runs)}).`,
      { hint: "Runs are compared problem by problem; name runs of the same task." },
    );
  if (!byQuestion) refuseOtherQuestions(runs, keyed, shared);
  const paired = runs.map((run, index) => ({
    ...run,
    problems: shared.map((key) => ({ ...keyed[index]!.get(key)!, id: keyed[0]!.get(key)!.id })),
  }));
  return { runs: paired, leftOut: runs.map(({ problems }) => problems.length - shared.length) };
}

/** In the order of the first. */
function sharedKeys([first, ...others]: readonly ReadonlyMap<string, SampledProblem>[]): string[] {
  return [...(first?.keys() ?? [])].filter((key) => others.every((other) => other.has(key)));
}

function keyedProblems({ problems }: SampledRun, byQuestion: boolean): Map<string, SampledProblem> {
  if (!byQuestion) return new Map(problems.map((problem) => [problem.id, problem]));
  const groups = Map.groupBy(problems, ({ question }) => (question === null ? null : collapsed(question)));
  const unique = [...groups].flatMap(([key, members]): [string, SampledProblem][] =>
    key === null || members.length > 1 ? [] : [[key, members[0]!]],
  );
  return new Map(unique);
}

function refuseOtherQuestions(
  runs: readonly SampledRun[],
  keyed: readonly ReadonlyMap<string, SampledProblem>[],
  shared: readonly string[],
): void {
  for (const [index, other] of keyed.entries()) {
    const differing = shared.filter((key) => {
      const [left, right] = [keyed[0]!.get(key)!.question, other.get(key)!.question];
      return left !== null && right !== null && collapsed(left) !== collapsed(right);
    });
    if (differing.length > 0)
      throw new BitmendError(
        "evaluation/unpaired",
        `pairRuns(): expected the same questions, got others in ${runs[0]!.name} and ${runs[index]!.name} under ${differing.length} of ${shared.length} ids: ${differing.slice(0, 5).join(", ")}.`,
        { hint: "These runs are of different tasks or versions of one." },
      );
  }
}

function collapsed(text: string): string {
  return text.replaceAll(/\s+/gu, " ").trim();
}

function exampleIds(runs: readonly SampledRun[]): string {
  return runs.map(({ name, problems }) => `${problems[0]?.id ?? "none"} ... in ${name}`).join(", ");
}
