import { quantizationRecipeSchema } from "../../src/quantization/recipe.ts";

export const recipe = quantizationRecipeSchema.parse({ method: "gptq", bits: 3, groupSize: 8 });

/** Token ids below 48 in sequences of different lengths. */
export const calibration = Array.from({ length: 12 }, (_, row) =>
  Array.from({ length: 5 + ((row * 7) % 20) }, (_token, i) => (row * 11 + i * i * 5) % 48),
);
