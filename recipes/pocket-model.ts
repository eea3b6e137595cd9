import type { PocketModelRecipe } from "../src/training/pocket-model.ts";

/** The pocket model: 1 M parameters, trained with AdamW as large models are. */
export const recipe: PocketModelRecipe = {
  sizes: {
    hiddenSize: 128,
    intermediateSize: 256,
    layerCount: 6,
    headCount: 4,
    keyValueHeadCount: 2,
    headDimension: 32,
  },
  seed: 1,
  // one optimizer step: a problem of every family and level, five more of the family that is learned last, four drills; 4.4 k tokens
  curriculum: {
    seed: 1,
    problems: 40,
    drills: 4,
    extra: { families: ["ages"], problems: 5 },
    easySteps: 500,
  },
  optimization: {
    steps: 9000,
    schedule: { kind: "cosine", peak: 3e-3, warmupSteps: 200, finalFraction: 0.02 },
    adamW: { weightDecay: 0.1 },
  },
  packing: { tokensPerBatch: 640 },
  validation: { everySteps: 500, problems: 400 },
  checkpointSteps: 100,
};
