import { crossEntropy } from "../graph/index.ts";
import { packSequences, totalWeight, type PackingOptions, type TrainingSequence } from "./batches.ts";
import type { Objective } from "./loop.ts";
import {
  buildGradientModel,
  decodeSequences,
  openSequenceGraph,
  sequenceMicroBatch,
} from "./sequence-graph.ts";
import type { TrainableModel } from "./trainable-model.ts";

/** Texts to learn from. */
export interface SequenceData {
  /** The texts of 1-based optimizer step `step`, a pure function of it. */
  readonly sequencesAt: (step: number) => readonly TrainingSequence[];
  readonly packing?: Omit<PackingOptions, "weightFactor"> | undefined;
}

/**
 * Next-token prediction: pretraining and supervised fine-tuning.
 *
 * The loss is the weighted mean of the token cross-entropies over the WHOLE optimizer step, so that it does not depend on how the step
 * is cut into micro-batches.
 */
export function languageModelling(model: TrainableModel, data: SequenceData): Objective {
  return {
    batchesAt: (step) => sequenceMicroBatches(data, step),
    graphFor: (shape) => {
      const sequences = openSequenceGraph(model.config, shape);
      const { graph, targets, weights } = sequences;
      const parts = model.parts(graph);
      const { hidden, logits } = decodeSequences(sequences, parts);
      const loss = crossEntropy({ logits: logits(hidden), targets, weights });
      return { model: buildGradientModel(graph, { loss, learned: parts.learned }) };
    },
  };
}

/** The micro-batches of a step, with weights that sum to 1 over it. */
export function sequenceMicroBatches(
  { sequencesAt, packing }: SequenceData,
  step: number,
): ReturnType<Objective["batchesAt"]> {
  const sequences = sequencesAt(step);
  const weightFactor = 1 / totalWeight(sequences);
  return packSequences(sequences, { ...packing, weightFactor }).map(sequenceMicroBatch);
}
