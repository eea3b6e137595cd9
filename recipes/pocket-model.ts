import type { PocketModelRecipe } from "../src/training/pocket-model.ts";

/** The pocket model: 0.7 M parameters, trained with AdamW as large models are. */
export const recipe: PocketModelRecipe = {
  sizes: {
    hiddenSize: 128,
    intermediateSize: 256,
    layerCount: 4,
    headCount: 4,
    keyValueHeadCount: 2,
    headDimension: 32,
  },
  seed: 1,
  // one optimizer step: a problem of every family and level, six more of the families that are learned last, five drills; 4.3 k tokens
  curriculum: {
    seed: 1,
    problems: 40,
    drills: 5,
    extra: { families: ["ages", "equations"], problems: 6 },
    easySteps: 300,
  },
  optimization: {
    steps: 10_000,
    schedule: { kind: "cosine", peak: 3e-3, warmupSteps: 200, finalFraction: 0.01 },
    adamW: { weightDecay: 0.1 },
  },
  packing: { tokensPerBatch: 640 },
  validation: { everySteps: 500, problems: 400 },
  checkpointSteps: 250,
};
