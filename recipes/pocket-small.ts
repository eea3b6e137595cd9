import type { PocketModelRecipe } from "../src/training/pocket-model.ts";

/** The small pocket model, for tests: 0.2 M parameters, trained like the pocket model and for less long. */
export const recipe: PocketModelRecipe = {
  sizes: {
    hiddenSize: 64,
    intermediateSize: 128,
    layerCount: 4,
    headCount: 4,
    keyValueHeadCount: 2,
    headDimension: 16,
  },
  seed: 1,
  curriculum: {
    seed: 1,
    problems: 40,
    drills: 5,
    extra: { families: ["equations"], problems: 5 },
    easySteps: 300,
  },
  optimization: {
    steps: 5000,
    schedule: { kind: "cosine", peak: 4e-3, warmupSteps: 200, finalFraction: 0.01 },
    adamW: { weightDecay: 0 },
  },
  packing: { tokensPerBatch: 640 },
  validation: { everySteps: 500, problems: 400 },
  checkpointSteps: 250,
};
