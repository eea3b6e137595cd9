import { join } from "node:path";
import { verdictSchema } from "../runs/records.ts";
import { readJsonLines } from "../util/json-lines.ts";
import { evaluateVariant, type EvaluationEvent, type EvaluationSetup } from "./evaluate-variant.ts";

/** Name under which round `round` (0 upwards) of sampling `variant` stands in the records. */
function sampleName(variant: string, round: number): string {
  return `${variant}~${round + 1}`;
}

/** The evaluation of the model to sample from; `generate` must sample (temperature above 0). */
export interface SamplingSetup extends EvaluationSetup {
  /** Most tries a problem gets. */
  readonly rounds: number;
  /** Names of the variants that a problem may be solved by already. */
  readonly solvedBy: readonly string[];
}

/**
 * Looks for a right solution of every problem that no variant has solved: samples again and again, each round only what is still unsolved.
 *
 * Diagnosis compares failures with right solutions; where greedy decoding of full precision finds none, a sampled one serves. The samples
 * are completions of variants of their own ({@link sampleName}) in the run's records, so a killed call continues; the names are returned.
 *
 * @yields The events of each round's evaluation.
 */
export async function* sampleSolutions(
  setup: SamplingSetup,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<EvaluationEvent, string[], void> {
  const { rounds, solvedBy, ...evaluation } = setup;
  const names: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const problems = unsolved(setup, [...solvedBy, ...names]);
    if (problems.length === 0) break;
    const variant = sampleName(setup.variant, round);
    const seed = setup.seed + (round + 1) * 1_000_003;
    // oxlint-disable-next-line eslint/no-await-in-loop -- a round asks what the one before left unsolved
    yield* evaluateVariant({ ...evaluation, variant, problems, seed }, options);
    names.push(variant);
  }
  return names;
}

function unsolved(
  { directory, problems }: SamplingSetup,
  variants: readonly string[],
): SamplingSetup["problems"] {
  const names = new Set(variants);
  const solved = new Set(
    readJsonLines(join(directory, "verdicts.jsonl"), verdictSchema)
      .filter(({ variant, verdict }) => names.has(variant) && verdict === "correct")
      .map(({ problem }) => problem),
  );
  return problems.filter(({ id }) => !solved.has(id));
}
