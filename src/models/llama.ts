/**
 * @file `model_type: llama` (Llama 2 and 3, and many that share the form): pre-norm decoder with RoPE, grouped queries and SwiGLU.
 *
 * {@link https://arxiv.org/abs/2307.09288 | Llama 2, Touvron et al. 2023}; the RoPE scaling of Llama 3.1 is the configuration's. Biases
 * exist only where `attention_bias` or `mlp_bias` says so.
 */
import type { DecoderFamily } from "./decoder-family.ts";
import { gatedPreNormFolds } from "./scale-folds.ts";

/** What a Llama has. */
export const llama: DecoderFamily = {
  modelType: "llama",
  queryKeyValueBias: "configured",
  outputBias: "configured",
  feedForwardBias: "configured",
  queryKeyNorm: "never",
  scaleFolds: gatedPreNormFolds,
};
