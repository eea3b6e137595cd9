import type { RunRecipeInput } from "../src/verbs/run-recipe.ts";

/** Qwen3-0.6B on problems of one's own: GPTQ at 4 and 3 bits, the 3-bit variant distilled. */
export const recipe: RunRecipeInput = {
  name: "qwen3-0.6b",
  model: "models/Qwen3-0.6B",
  task: "file:problems.jsonl",
  problems: 500,
  generation: { slots: 32, maxNewTokens: 1024 },
  quantization: {
    groupSize: 128,
    range: "mse",
    variants: [
      { method: "rtn", bits: 4 },
      { method: "gptq", bits: 4 },
      { method: "gptq", bits: 3 },
    ],
  },
  qat: [{ bits: 3, steps: 200, learningRate: 1e-5 }],
};
