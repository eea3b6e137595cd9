/**
 * @file Attention as models of Hugging Face's Optimum take it: a cache that grows by concatenation, a mask of padding, given positions.
 *
 * The mask becomes a bias of the scores, so padding may lie on either side; positions turn queries and keys before the operator sees them.
 */
import type { ModelConfig } from "../../checkpoint/model-config.ts";
import type { Graph } from "../../graph/graph.ts";
import { cast, compare, expand, reshape, rotary, subtract, where } from "../../graph/operations.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { groupQueryAttention } from "../attention/group-query-attention.ts";
import type { Attention } from "../decoder-parts.ts";

/** Names of symbolic dimensions. */
export const [BATCH, SEQUENCE] = ["batch_size", "sequence_length"] as const;
const [PAST, TOTAL] = ["past_sequence_length", "total_sequence_length"] as const;

/** A score low enough that its probability is exactly 0. */
const HIDDEN = -1e9;

/** The attention part, and the graph outputs that it adds. */
export interface MaskedAttention {
  readonly attention: Attention;
  /** Caches by output name, filled while the decoder is built. */
  readonly presents: Readonly<Record<string, Tensor>>;
}

/**
 * Declares the inputs `attention_mask` [batch, total] (i64, 0 for padding), `position_ids` [batch, sequence] (i64) and
 * `past_key_values.*.key|value` [batch, keyValueHeadCount, past, headDimension], and returns the attention over them.
 *
 * `cos` and `sin` are [positions, headDimension / 2].
 */
export function maskedAttention(
  graph: Graph,
  config: ModelConfig,
  { cos, sin }: { readonly cos: Tensor; readonly sin: Tensor },
): MaskedAttention {
  const mask = graph.input("attention_mask", "i64", [BATCH, TOTAL]);
  const positions = graph.input("position_ids", "i64", [BATCH, SEQUENCE]);
  const cacheShape = [BATCH, config.keyValueHeadCount, PAST, config.headDimension];
  const byRow = (rows: Tensor): Tensor => reshape(rows, [BATCH, SEQUENCE, rows.shape[1]!]);
  const length = cast(reshape(graph.dimension(TOTAL), []), "i32");
  const lastPosition = expand(reshape(subtract(length, 1), [1]), [BATCH]);
  const visible = where(compare(mask, "Equal", 0), graph.scalar(HIDDEN), graph.scalar(0));
  const bias = expand(reshape(visible, [BATCH, 1, 1, TOTAL]), [BATCH, 1, SEQUENCE, TOTAL]);
  const presents: Record<string, Tensor> = {};
  const attention: Attention = ({ query, key, value, layer }) => {
    const kinds = ["key", "value"];
    const pasts = kinds.map((kind) => graph.input(`past_key_values.${layer}.${kind}`, "f32", cacheShape));
    const rotated = (rows: Tensor): Tensor => rotary(byRow(rows), { positions, cos, sin });
    const result = groupQueryAttention(
      {
        query: rotated(query),
        key: rotated(key),
        value: byRow(value),
        pasts,
        lastPosition,
        longest: length,
        bias,
      },
      config,
      TOTAL,
    );
    for (const [index, kind] of kinds.entries())
      presents[`present.${layer}.${kind}`] = result.presents[index]!;
    return reshape(result.attended, query.shape);
  };
  return { attention, presents };
}
