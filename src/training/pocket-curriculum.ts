import { pocketDrills } from "../tasks/pocket/pocket-drills.ts";
import { pocketEncoder, type PocketEncoder } from "../tasks/pocket/pocket-encoder.ts";
import type { PocketFamily, PocketLevel, PocketProblem } from "../tasks/pocket/pocket-problem.ts";
import { pocketProblems } from "../tasks/pocket/pocket-problems.ts";
import type { TrainingSequence } from "./batches.ts";

/** What a pocket model sees in its optimizer steps. */
export interface PocketCurriculum {
  readonly seed: number;
  /** Training problems of one optimizer step; multiples of 40 are even over families and levels. */
  readonly problems: number;
  /** Arithmetic drills of one optimizer step. */
  readonly drills: number;
  /** Further problems of one step from families that are learned late. Default: none. */
  readonly extra?: { readonly families: readonly PocketFamily[]; readonly problems: number };
  /** Steps at the start that see the first two levels only. Default: 0. */
  readonly easySteps?: number;
}

/** The sequences of each optimizer step, drawn from the seed and the step alone, so that a resumed training needs no memory of the data. */
export function pocketSequencesAt(curriculum: PocketCurriculum): (step: number) => TrainingSequence[] {
  const encoder = pocketEncoder();
  const { seed, problems, drills, extra, easySteps = 0 } = curriculum;
  return (step) => {
    const stepSeed = `${seed}/step ${step}`;
    const levels: readonly PocketLevel[] = step <= easySteps ? [1, 2] : [1, 2, 3, 4, 5];
    const drawn = pocketProblems({ split: "train", seed: stepSeed, count: problems, levels });
    const more =
      extra === undefined
        ? []
        : pocketProblems({
            split: "train",
            seed: `${stepSeed} extra`,
            count: extra.problems,
            families: extra.families,
            levels,
          });
    return [
      ...[...drawn, ...more].map((problem) => pocketSequence(encoder, problem)),
      ...pocketDrills({ seed: stepSeed, count: drills }).map(({ text, lossWeights }) => ({
        tokenIds: encoder.encode(text),
        weights: lossWeights,
      })),
    ];
  };
}

/** Question and solution; only the solution counts. */
export function pocketSequence(
  encoder: PocketEncoder,
  { question, solution }: Pick<PocketProblem, "question" | "solution">,
): TrainingSequence {
  const prompt = encoder.prompt(question);
  const answer = encoder.answer(solution);
  return {
    tokenIds: [...prompt, ...answer],
    weights: [...prompt.map(() => 0), ...answer.map(() => 1)],
  };
}
