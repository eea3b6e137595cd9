import { BitmendError } from "../util/errors.ts";

/** Which problems are correct, by problem id. */
export type CorrectById = ReadonlyMap<string, boolean>;

/** The paired table of two variants on the same problems; ids in problem order. */
export interface Flips {
  /** Baseline correct, variant not. */
  readonly lost: readonly string[];
  /** Variant correct, baseline not. */
  readonly won: readonly string[];
  readonly bothCorrect: readonly string[];
  readonly bothWrong: readonly string[];
}

/**
 * Sorts problems by what changed between the baseline and a variant.
 *
 * @throws {BitmendError} `evaluation/unpaired` names the problems that one of the two was not graded on.
 */
export function flips(problems: readonly string[], baseline: CorrectById, variant: CorrectById): Flips {
  const missing = problems.filter((problem) => !baseline.has(problem) || !variant.has(problem));
  if (missing.length > 0)
    throw new BitmendError(
      "evaluation/unpaired",
      `flips(): expected verdicts of both variants for every problem, got none for ${missing.length} of ${problems.length}: ` +
        `${missing.slice(0, 5).join(", ")}${missing.length > 5 ? ", ..." : ""}.`,
      { hint: "Evaluate both variants on the same problems before comparing them." },
    );
  const select = (before: boolean, after: boolean): string[] =>
    problems.filter((problem) => baseline.get(problem) === before && variant.get(problem) === after);
  return {
    lost: select(true, false),
    won: select(false, true),
    bothCorrect: select(true, true),
    bothWrong: select(false, false),
  };
}
