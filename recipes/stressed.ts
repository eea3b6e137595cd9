import type { RunRecipeInput } from "../src/verbs/run-recipe.ts";

/**
 * What each method undoes of outlier channels. Small models have none, so the pocket model is given some on purpose: 5 % of the channels at every
 * place where scales can move become 2 to 16 times as large. Its function stays the same bit for bit; every number of a low-bit variant
 * here is synthetic and says nothing about which method is best on a trained model.
 */
export const recipe: RunRecipeInput = {
  name: "stressed",
  model: "pocket",
  task: "pocket",
  split: "validation",
  outliers: { fraction: 0.05, maxExponent: 4 },
  quantization: {
    groupSize: 64,
    variants: [
      { method: "rtn", bits: 8, activations: "int8-per-token" },
      { method: "smoothquant", bits: 8 },
      { method: "rtn", bits: 4 },
      { method: "gptq", bits: 4 },
      { method: "awq", bits: 4 },
      { method: "rtn", bits: 3 },
      { method: "gptq", bits: 3 },
      { method: "awq", bits: 3 },
    ],
  },
};
