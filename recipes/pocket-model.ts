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
  // one optimizer step: a problem of every family and level, five more of the family that is learned last, five drills; 4.3 k tokens
  curriculum: {
    seed: 1,
    problems: 40,
    drills: 5,
    extra: { families: ["equations"], problems: 5 },
    easySteps: 300,
  },
  optimization: {
    steps: 7500,
    schedule: { kind: "cosine", peak: 4e-3, warmupSteps: 200, finalFraction: 0.01 },
    adamW: { weightDecay: 0 },
  },
  packing: { tokensPerBatch: 640 },
  validation: { everySteps: 500, problems: 400 },
  checkpointSteps: 250,
};
