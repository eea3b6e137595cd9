import type { ModelConfig } from "../../checkpoint/model-config.ts";
import { Graph } from "../../graph/graph.ts";
import { reshape } from "../../graph/operations.ts";
import { decoder } from "../decoder.ts";
import type { DecoderParts } from "../decoder-parts.ts";
import { dense } from "../linears/dense.ts";
import { BATCH, maskedAttention, SEQUENCE } from "./masked-attention.ts";
import { placed, placedFloats, storedLinear, type StoredWeights } from "./stored-weights.ts";

/** Names of the rotary tables among the stored tensors, [positions, headDimension / 2]. */
export const ROTARY_TABLES = { cos: "rotary.cos", sin: "rotary.sin" } as const;

/**
 * The decoder as an ONNX model whose weights lie in a data file, with the inputs and outputs that Hugging Face's Optimum gives decoders.
 *
 * Inputs: `input_ids` [batch, sequence] i64 and those of {@link maskedAttention}. Outputs: `logits` [batch, sequence, vocabularySize] and
 * `present.*.key|value`.
 */
export function buildOnnxGraph(
  config: ModelConfig,
  weights: StoredWeights,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const graph = new Graph();
  const tokenIds = graph.input("input_ids", "i64", [BATCH, SEQUENCE]);
  const { attention, presents } = maskedAttention(graph, config, {
    cos: placed(graph, weights, ROTARY_TABLES.cos),
    sin: placed(graph, weights, ROTARY_TABLES.sin),
  });
  const parameter: DecoderParts["parameter"] = (name) => placedFloats(graph, weights, name);
  const linear = storedLinear(weights, dense(parameter), { accuracyLevel: 0 });
  const { hidden, logits } = decoder(config, { tokenIds, parts: { parameter, linear, attention } });
  const shaped = reshape(logits(hidden), [BATCH, SEQUENCE, config.vocabularySize]);
  return graph.build({ logits: shaped, ...presents }, { metadata });
}
