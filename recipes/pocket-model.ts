import type { PocketModelRecipe } from "../src/training/pocket-model.ts";

/** The pocket model: 0.8 M parameters, trained with AdamW as large models are. */
export const recipe: PocketModelRecipe = {
  sizes: {
    hiddenSize: 128,
    intermediateSize: 384,
    layerCount: 4,
    headCount: 4,
    keyValueHeadCount: 2,
    headDimension: 32,
  },
  seed: 1,
  curriculum: {
    seed: 1,
    problems: 80,
    drills: 8,
    extra: { families: ["ages"], problems: 6 },
    easySteps: 300,
  },
  optimization: {
    steps: 6000,
    schedule: { kind: "cosine", peak: 3e-3, warmupSteps: 100, finalFraction: 0.02 },
    adamW: { weightDecay: 0.1 },
  },
  validation: { everySteps: 250, problems: 200 },
  checkpointSteps: 100,
};
