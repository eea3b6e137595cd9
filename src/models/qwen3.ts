/**
 * @file `model_type: qwen3`: a Llama with an RMSNorm over every query and key head before RoPE, in place of Qwen2's biases.
 *
 * {@link https://arxiv.org/abs/2505.09388 | Qwen3 technical report, section 2}.
 */
import type { DecoderFamily } from "./decoder-family.ts";
import { gatedPreNormFolds } from "./scale-folds.ts";

/** What a Qwen3 has. */
export const qwen3: DecoderFamily = {
  modelType: "qwen3",
  queryKeyValueBias: "configured",
  outputBias: "configured",
  feedForwardBias: "never",
  queryKeyNorm: "always",
  scaleFolds: gatedPreNormFolds,
};
