/**
 * @file What a supported `model_type` may contain. One file per family states it; the decoder itself reads only the configuration.
 */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { ScaleFold } from "./scale-folds.ts";

/** Whether a family has a feature: in every model, in none, or as the model's configuration says. */
export type Presence = "always" | "never" | "configured";

/** What distinguishes a `model_type` from the common pre-norm decoder with RoPE, grouped queries and SwiGLU. */
export interface DecoderFamily {
  /** `model_type` of config.json, and the name of the file that describes it. */
  readonly modelType: ModelConfig["modelType"];
  /** Biases of the query, key and value projections. */
  readonly queryKeyValueBias: Presence;
  /** Bias of the attention's output projection. */
  readonly outputBias: Presence;
  /** Biases of the three feed-forward projections. */
  readonly feedForwardBias: Presence;
  /** RMSNorm over each query and key head before RoPE. */
  readonly queryKeyNorm: Presence;
  /** Where a layer's scales can move without changing its function. */
  readonly scaleFolds: readonly ScaleFold[];
}
