/**
 * @file `model_type: qwen2` (Qwen2, Qwen2.5, the R1 distillations of them): a Llama whose query, key and value projections always have
 * biases, for length extrapolation, and whose other projections never do.
 *
 * {@link https://arxiv.org/abs/2407.10671 | Qwen2 technical report, section 2.2.1}.
 */
import type { DecoderFamily } from "./decoder-family.ts";
import { gatedPreNormFolds } from "./scale-folds.ts";

/** What a Qwen2 has. */
export const qwen2: DecoderFamily = {
  modelType: "qwen2",
  queryKeyValueBias: "always",
  outputBias: "never",
  feedForwardBias: "never",
  queryKeyNorm: "never",
  scaleFolds: gatedPreNormFolds,
};
