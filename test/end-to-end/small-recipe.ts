import type { RunRecipeInput } from "../../src/verbs/run-recipe.ts";
import { testModel } from "./test-model.ts";

/** Every stage of a run, each with as little as shows that it works; the training lengths go beyond what is kept between two durable states. */
export const recipe: RunRecipeInput = {
  name: "small",
  model: testModel ?? "pocket-small",
  task: "pocket",
  problems: 24,
  quantization: {
    calibrationSequences: 12,
    variants: [
      { method: "rtn", bits: 3 },
      { method: "gptq", bits: 3 },
      { method: "gptq", bits: 2 },
    ],
  },
  referenceSamples: 2,
  // So short that full precision fails some, and solutions have to be sampled.
  generation: { maxNewTokens: 40 },
  preference: { bits: 2, pairs: 12, candidates: 48, epochs: 4, batchSize: 2, rank: 4 },
  qat: [
    { bits: 3, steps: 4, batchSize: 2, problems: 48, learningRate: 1e-3 },
    { bits: 2, steps: 54, batchSize: 1, problems: 48, learningRate: 1e-3 },
  ],
};
