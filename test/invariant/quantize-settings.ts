import { quantizationRecipeSchema, type QuantizationRecipeInput } from "../../src/quantization/recipe.ts";

/** Ways to quantize the tiny model that a kill must not change, by name. */
export const runs = {
  gptq: { recipe: { method: "gptq", bits: 3, groupSize: 8 } },
  "gptq with activations on disk": {
    recipe: { method: "gptq", bits: 3, groupSize: 8 },
    activationMemory: 0,
  },
  "awq of two widths, replaced norms and a rounded embedding": {
    recipe: {
      method: "awq",
      bits: 4,
      groupSize: 8,
      rounding: "gptq",
      overrides: [{ modules: "*.down_proj", bits: 8 }],
      embedding: { bits: 8, groupSize: 16 },
    },
  },
} as const satisfies Readonly<Record<string, { recipe: QuantizationRecipeInput; activationMemory?: number }>>;

export const recipe = quantizationRecipeSchema.parse({ method: "gptq", bits: 3, groupSize: 8 });

/** Token ids below 48 in sequences of different lengths. */
export const calibration = Array.from({ length: 12 }, (_, row) =>
  Array.from({ length: 5 + ((row * 7) % 20) }, (_token, i) => (row * 11 + i * i * 5) % 48),
);
