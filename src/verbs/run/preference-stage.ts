import { openModel } from "../../models/open-model.ts";
import { diagnose } from "../../diagnosis/diagnose.ts";
import type { Evaluation } from "../../evaluation/evaluate-variant.ts";
import { loadLanguageModel, type LanguageModel } from "../../generation/language-model.ts";
import type { DiagnosisRecord, MedicineRecord, Variant } from "../../runs/records.ts";
import type { Problem } from "../../tasks/problem.ts";
import { loadTokenizer } from "../../tokenizer/tokenizer.ts";
import {
  medicineAsSolutions,
  medicineSet,
  randomSolutions,
  type SolvedProblem,
} from "../../training/medicine.ts";
import { readAdapter } from "../../training/read-adapter.ts";
import { solutionEncoder } from "../../training/solution-sequences.ts";
import { trainAdapter, type AdapterSetup } from "../../training/train-adapter.ts";
import { writeFileAtomically } from "../../util/atomic-file.ts";
import type { VerbRun } from "../events.ts";
import type { RunRecipe } from "../run-recipe.ts";
import { writeVariant } from "../variant-file.ts";
import { abortable, recordPath, type RunContext } from "./context.ts";
import { recordTraining } from "./training-records.ts";
import { tracesStage, trainingProblems } from "./traces-stage.ts";
import { type Arm, fullVariant, type StoredVariant } from "./variants.ts";

type PreferenceSettings = NonNullable<RunRecipe["preference"]>;

/** What the three arms of preference tuning learn from. */
export interface Medicine {
  readonly pairs: readonly MedicineRecord[];
  readonly problems: readonly SolvedProblem[];
}

/**
 * Training problems that the patient fails and the full model solves, diagnosed, as preference pairs (medicine.jsonl).
 *
 * @yields Progress in problems.
 */
export async function* medicineStage(
  context: RunContext,
  input: { readonly patient: StoredVariant; readonly settings: PreferenceSettings },
): VerbRun<Medicine> {
  const { patient, settings } = input;
  const problems = trainingProblems(context, settings.candidates);
  const full = yield* tracesStage(context, { variant: fullVariant, model: context.model, problems });
  const quantized = yield* tracesStage(context, {
    variant: patient.variant,
    model: patient.directory,
    problems,
  });
  const solved = problems.map((problem, index) => ({
    ...problem,
    full: outcome(full, index),
    quantized: outcome(quantized, index),
  }));
  const pairs = medicineSet({
    problems: solved,
    diagnoses: diagnoseTraining(solved, { patient: patient.variant, quantized }),
    evaluation: context.problems,
    limit: settings.pairs,
    seed: context.recipe.seed,
  });
  const lines = pairs.map((pair) => `${JSON.stringify(pair)}\n`).join("");
  writeFileAtomically(recordPath(context, "medicine.jsonl"), lines);
  yield {
    type: "remark",
    text: `Medicine set: ${pairs.length} pairs from ${problems.length} training problems`,
  };
  return { pairs, problems: solved };
}

function outcome(evaluation: Evaluation, index: number): SolvedProblem["full"] {
  const text = evaluation.completions[index]!.text;
  return { text, correct: evaluation.verdicts[index]!.verdict === "correct" };
}

function diagnoseTraining(
  problems: readonly (Problem & SolvedProblem)[],
  { patient, quantized }: { readonly patient: Variant; readonly quantized: Evaluation },
): DiagnosisRecord[] {
  return problems.flatMap((problem, index) => {
    if (problem.quantized.correct || !problem.full.correct) return [];
    const diagnosis = diagnose({
      question: problem.question,
      completion: problem.quantized.text,
      references: [problem.full.text],
      degenerate: quantized.verdicts[index]!.degenerate,
    });
    return [{ variant: patient.name, problem: problem.id, ...diagnosis }];
  });
}

/**
 * Trains one arm's adapter on the frozen low-bit weights of the patient.
 *
 * @yields Progress in optimizer steps.
 */
export async function* armStage(
  context: RunContext,
  input: {
    readonly arm: Arm;
    readonly patient: StoredVariant;
    readonly restored: StoredVariant;
    readonly medicine: Medicine;
    readonly settings: PreferenceSettings;
  },
): VerbRun<void> {
  const { arm, patient, settings } = input;
  const { variant: restored, directory } = input.restored;
  const { rank, epochs, batchSize } = settings;
  const peak = arm === "dpo" ? settings.learningRate : settings.imitationLearningRate;
  const training = trainAdapter(
    {
      base: openModel(patient.directory),
      encoder: solutionEncoder(loadTokenizer(context.model)),
      lesson: lessonOf(context, input),
      directory,
      identity: JSON.stringify({ arm, patient: patient.variant.name, settings, recipe: context.recipe }),
      lora: { rank, alpha: 2 * rank },
      seed: context.recipe.seed,
      epochs,
      batchSize,
      optimization: {
        schedule: { kind: "cosine", peak, warmupSteps: 5, finalFraction: 0.01 },
        adamW: { weightDecay: 0 },
        workers: context.threads,
      },
    },
    abortable(context),
  );
  yield* recordTraining(context, { name: restored.name, title: armTitles[arm] }, training);
  writeVariant(directory, restored);
}

const armTitles: Readonly<Record<Arm, string>> = {
  dpo: "Preference tuning (DPO)",
  sft: "Control: imitating the same problems",
  random: "Control: imitating random problems",
};

function lessonOf(
  { recipe, problems: evaluation }: RunContext,
  {
    arm,
    medicine,
    settings,
  }: { readonly arm: Arm; readonly medicine: Medicine; readonly settings: PreferenceSettings },
): AdapterSetup["lesson"] {
  const { pairs, problems } = medicine;
  switch (arm) {
    case "dpo": {
      const { beta, chosenWeight: likelihoodWeight, scope } = settings;
      return { kind: "preference", medicine: pairs, beta, likelihoodWeight, scope };
    }
    case "sft":
      return { kind: "imitation", solutions: medicineAsSolutions(pairs) };
    case "random": {
      const solutions = randomSolutions({ problems, evaluation, seed: recipe.seed, count: pairs.length });
      return { kind: "imitation", solutions };
    }
    default:
      return arm satisfies never;
  }
}

/** Loads a model with an adapter beside its weights. */
export function adapterLoader(
  { threads }: Pick<RunContext, "threads">,
  { base, adapter }: { readonly base: string; readonly adapter: string },
): () => Promise<LanguageModel> {
  return async () => {
    const adapters = readAdapter(adapter, openModel(base).config);
    return loadLanguageModel(base, { threads, adapters });
  };
}
