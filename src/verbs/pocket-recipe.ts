import type { RunRecipeInput } from "./run-recipe.ts";

/** What `bitmend run` does without arguments: the whole story on the model that ships with bitmend. */
export const pocketRecipe: RunRecipeInput = {
  name: "pocket",
  model: "pocket",
  task: "pocket",
  quantization: { groupSize: 64 },
  preference: { bits: 3 },
  qat: [
    { bits: 3, steps: 300, learningRate: 1e-3 },
    { bits: 2, steps: 600, learningRate: 1e-3 },
  ],
};
