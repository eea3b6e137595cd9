import { openModel } from "../../models/open-model.ts";
import { loadTokenizer } from "../../tokenizer/tokenizer.ts";
import type { TrainingSequence } from "../../training/batches.ts";
import { epochsOver } from "../../training/epochs.ts";
import { imitationSequence, solutionEncoder } from "../../training/solution-sequences.ts";
import { trainQat } from "../../training/train-qat.ts";
import type { VerbRun } from "../events.ts";
import type { RunRecipe } from "../run-recipe.ts";
import { writeVariant } from "../variant-file.ts";
import { abortable, type RunContext } from "./context.ts";
import { recordTraining } from "./training-records.ts";
import { tracesStage, trainingProblems } from "./traces-stage.ts";
import { fullVariant, type StoredVariant } from "./variants.ts";

/** Few shapes and small batches: each shape keeps a session with its own memory. */
const packing = { tokensPerBatch: 512, lengthMultiple: 32 } as const;

/**
 * Distils the full model into the low-bit weights of `patient`, on the full model's own right solutions of training problems.
 *
 * @yields Progress in problems, then in optimizer steps.
 */
export async function* qatStage(
  context: RunContext,
  input: {
    readonly patient: StoredVariant;
    readonly restored: StoredVariant;
    readonly settings: RunRecipe["qat"][number];
  },
): VerbRun<void> {
  const { patient, settings } = input;
  const { variant: restored, directory } = input.restored;
  const sequences = yield* distillationTexts(context, settings.problems);
  const { steps, batchSize, learningRate, scaleRate, embeddingRate } = settings;
  const { itemsAt } = epochsOver(sequences, { epochs: steps, batchSize, seed: context.recipe.seed });
  const training = trainQat(
    {
      full: openModel(context.model),
      start: openModel(patient.directory),
      directory,
      identity: JSON.stringify({ restored: restored.name, settings, recipe: context.recipe }),
      sequencesAt: itemsAt,
      packing,
      scaleRate,
      embeddingRate,
      optimization: {
        steps,
        schedule: {
          kind: "cosine",
          peak: learningRate,
          warmupSteps: Math.ceil(steps / 20),
          finalFraction: 0.01,
        },
        adamW: { weightDecay: 0 },
        workers: context.threads,
      },
    },
    abortable(context),
  );
  yield* recordTraining(
    context,
    { name: restored.name, title: `Distilling into ${restored.bits} bits` },
    training,
  );
  writeVariant(directory, restored);
}

async function* distillationTexts(context: RunContext, count: number): VerbRun<TrainingSequence[]> {
  const problems = trainingProblems(context, count);
  const { completions, verdicts } = yield* tracesStage(context, {
    variant: fullVariant,
    model: context.model,
    problems,
  });
  const encoder = solutionEncoder(loadTokenizer(context.model));
  return problems.flatMap(({ question }, index) =>
    verdicts[index]!.verdict === "correct"
      ? [imitationSequence(encoder, { question, solution: completions[index]!.text })]
      : [],
  );
}
