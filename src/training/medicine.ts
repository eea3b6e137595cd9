/** @file The medicine set: what a quantized model must unlearn, one preference pair for each diagnosed failure, at the first wrong step. */
import { solutionSteps } from "../diagnosis/steps.ts";
import type { DiagnosisRecord, MedicineRecord } from "../runs/records.ts";
import { randomStream } from "../util/random.ts";
import { refuseEvaluationProblems, type QuestionText } from "./evaluation-leak.ts";

/** A training problem with both models' solutions. */
export interface SolvedProblem extends QuestionText {
  /** The full model's text. */
  readonly full: { readonly text: string; readonly correct: boolean };
  /** The quantized model's text. */
  readonly quantized: { readonly text: string; readonly correct: boolean };
}

export interface MedicineOptions {
  readonly problems: readonly SolvedProblem[];
  /** Diagnoses of the quantized model's failures among them. */
  readonly diagnoses: readonly DiagnosisRecord[];
  /** Every problem that anything is evaluated on. */
  readonly evaluation: readonly QuestionText[];
  /** Largest number of pairs. Default: 545, as in {@link https://arxiv.org/abs/2501.03035 | Li et al. 2025}. */
  readonly limit?: number;
  /** Chooses which pairs are kept when there are more. */
  readonly seed: number;
}

/**
 * Pairs from training problems that the quantized model fails and the full model solves.
 *
 * Each is the problem with the right steps before the first wrong one, `chosen` being the full model's remaining steps and `rejected` the
 * quantized model's own. Degenerate failures, which have no first wrong step, give no pair.
 *
 * @throws {BitmendError} `training/evaluation-leak` when a training problem is an evaluation problem.
 */
export function medicineSet(options: MedicineOptions): MedicineRecord[] {
  const { problems, diagnoses, evaluation, limit = 545, seed } = options;
  refuseEvaluationProblems(problems, evaluation);
  const byId = new Map(problems.map((problem) => [problem.id, problem]));
  const pairs = diagnoses.flatMap((diagnosis) => {
    const problem = byId.get(diagnosis.problem);
    const pair = problem === undefined ? null : preferencePair(problem, diagnosis);
    return pair === null ? [] : [pair];
  });
  return randomStream(seed, "medicine").shuffle(pairs).slice(0, limit);
}

function preferencePair(problem: SolvedProblem, diagnosis: DiagnosisRecord): MedicineRecord | null {
  const { firstWrongStep, type } = diagnosis;
  const { full, quantized } = problem;
  if (firstWrongStep === null || quantized.correct || !full.correct) return null;
  const chosenStart = solutionSteps(full.text)[firstWrongStep]?.start;
  const rejectedStart = solutionSteps(quantized.text)[firstWrongStep]?.start;
  // a step that is missing or superfluous at the very end leaves nothing to prefer
  if (chosenStart === undefined || rejectedStart === undefined) return null;
  return {
    problem: problem.id,
    question: problem.question,
    prefix: quantized.text.slice(0, rejectedStart),
    chosen: full.text.slice(chosenStart),
    rejected: quantized.text.slice(rejectedStart),
    type,
  };
}

/** A whole solution to imitate: the form of the control arms. */
export interface ImitationRecord {
  readonly problem: string;
  readonly question: string;
  readonly solution: string;
}

/** The right solutions of the medicine's problems, for plain fine-tuning on the same problems. */
export function medicineAsSolutions(medicine: readonly MedicineRecord[]): ImitationRecord[] {
  return medicine.map(({ problem, question, prefix, chosen }) => ({
    problem,
    question,
    solution: prefix + chosen,
  }));
}

/**
 * The control: as many solutions of training problems drawn at random among those the full model solves, whatever the quantized model does.
 *
 * @throws {BitmendError} `training/evaluation-leak` as {@link medicineSet}.
 */
export function randomSolutions(
  options: Pick<MedicineOptions, "problems" | "evaluation" | "seed"> & { readonly count: number },
): ImitationRecord[] {
  const { problems, evaluation, seed, count } = options;
  refuseEvaluationProblems(problems, evaluation);
  return randomStream(seed, "random solutions")
    .shuffle(problems.filter(({ full }) => full.correct))
    .slice(0, count)
    .map(({ id, question, full }) => ({ problem: id, question, solution: full.text }));
}
