import type { RunRecipeInput } from "./run-recipe.ts";

/** What `bitmend run` does without arguments: the whole story on the model that ships with bitmend. */
export const pocketRecipe: RunRecipeInput = {
  name: "pocket",
  model: "pocket",
  task: "pocket",
  quantization: { groupSize: 64 },
  preference: { bits: 3, learningRate: 2e-4, chosenWeight: 10 },
  qat: [
    { bits: 3, steps: 500, learningRate: 2e-3, embeddingRate: 0.3 },
    { bits: 2, steps: 1500, learningRate: 3e-3, scaleRate: 0.3, embeddingRate: 1 },
  ],
};
