import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { TrainingSequence } from "./batches.ts";
import type { TrainingEvent, TrainingSummary } from "./events.ts";
import { exactMatches, startExactMatch } from "./exact-match.ts";
import { languageModelling, type SequenceData } from "./language-modelling.ts";
import { train, type CheckpointOptions, type OptimizationOptions } from "./loop.ts";
import type { FlatParameters } from "./parameters.ts";
import { denseModel } from "./trainable-model.ts";

/** Held-out texts, and to which group each belongs. */
export interface ValidationSet {
  readonly everySteps: number;
  readonly sequences: readonly TrainingSequence[];
  /** Names under which accuracies are also reported, e.g. a family and a level; one list per sequence. */
  readonly groups: readonly (readonly string[])[];
}

export interface PretrainingSetup extends SequenceData {
  readonly config: ModelConfig;
  /** Start and result: e.g. `initializeModelParameters(config, seed)`; trained in place. */
  readonly parameters: FlatParameters;
  readonly optimization: OptimizationOptions;
  readonly checkpoint?: CheckpointOptions;
  readonly validation?: ValidationSet;
}

/**
 * Trains all weights of a model on next-token prediction; validation reports the exact-match `accuracy` and `accuracy/<group>`.
 *
 * @yields optimizer steps, checkpoints and validations
 */
export async function* pretrain(
  setup: PretrainingSetup,
  options: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<TrainingEvent, TrainingSummary, void> {
  const { optimization, checkpoint, validation } = setup;
  const model = denseModel(setup.config, setup.parameters);
  const objective = languageModelling(model, setup);
  const common = { objective, model, optimization, checkpoint };
  if (validation === undefined) return yield* train(common, options);
  await using sessions = await startExactMatch(model, { threads: optimization.workers ?? 2 });
  const measure = async (): Promise<Record<string, number>> =>
    accuracies(validation, await exactMatches(sessions, validation.sequences));
  return yield* train({ ...common, validation: { everySteps: validation.everySteps, measure } }, options);
}

function accuracies({ groups }: ValidationSet, matches: readonly boolean[]): Record<string, number> {
  const byName = new Map<string, boolean[]>([["accuracy", [...matches]]]);
  for (const [index, names] of groups.entries()) {
    for (const name of names) {
      const key = `accuracy/${name}`;
      byName.set(key, [...(byName.get(key) ?? []), matches[index]!]);
    }
  }
  return Object.fromEntries([...byName].map(([name, all]) => [name, share(all)]));
}

function share(all: readonly boolean[]): number {
  return all.filter(Boolean).length / Math.max(1, all.length);
}
