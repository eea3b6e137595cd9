/**
 * @file Attention over a key/value cache, forward only: ONNX Runtime's `com.microsoft.GroupQueryAttention`.
 *
 * Each row of the batch has its own length. Keys are stored after RoPE. The operator writes the new keys and values into the same buffers
 * when a cache output is bound to the memory of its input.
 */
import type { ModelConfig } from "../../checkpoint/model-config.ts";
import { ropeTables } from "../../checkpoint/rope.ts";
import type { Graph } from "../../graph/graph.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { add, cast, reshape, rotary, subtract } from "../../graph/operations.ts";
import type { Attention } from "../decoder-parts.ts";
import { groupQueryAttention } from "./group-query-attention.ts";

/** What the cached attention reads besides queries, keys and values. */
export interface CachedAttentionOptions {
  readonly config: ModelConfig;
  /** Positions that the rotary tables cover: the longest sequence that can run. */
  readonly positions: number;
}

/** The attention part, and the graph inputs and outputs that it adds. */
export interface CachedAttention {
  readonly attention: Attention;
  /** Updated caches by output name, one pair a layer, filled while the decoder is built. */
  readonly presents: Readonly<Record<string, Tensor>>;
}

/** Names of the cache tensors of a layer. */
export function cacheNames(layer: number): {
  readonly past: readonly [string, string];
  readonly present: readonly [string, string];
} {
  return {
    past: [`past.${layer}.key`, `past.${layer}.value`],
    present: [`present.${layer}.key`, `present.${layer}.value`],
  };
}

/**
 * Declares the inputs `lastPosition` [batch] (i32, tokens in cache after this step, minus one), `longest` [] (i32, the largest sequence
 * length in the batch) and `past.*` [batch, keyValueHeadCount, capacity, headDimension], and returns the attention over them.
 */
export function cachedAttention(
  graph: Graph,
  { config, positions }: CachedAttentionOptions,
): CachedAttention {
  const { keyValueHeadCount, headDimension } = config;
  const tables = ropeTables(config.rope, { headDimension, positions });
  const half = headDimension / 2;
  const cos = graph.constant("f32", [positions, half], tables.cos);
  const sin = graph.constant("f32", [positions, half], tables.sin);
  const lastPosition = graph.input("lastPosition", "i32", ["batch"]);
  const longest = graph.input("longest", "i32", []);
  // The operator's own rotation takes heads of 16, 32, ... elements only.
  const operatorRotates = headDimension % 16 === 0;
  const rotated = (rows: Tensor): Tensor =>
    operatorRotates
      ? byRow(rows)
      : rotary(byRow(rows), { positions: positionsBefore(lastPosition), cos, sin });
  const cacheShape = ["batch", keyValueHeadCount, "capacity", headDimension] as const;
  const presents: Record<string, Tensor> = {};
  const attention: Attention = ({ query, key, value, layer }) => {
    const names = cacheNames(layer);
    const pasts = names.past.map((name) => graph.input(name, "f32", cacheShape));
    const { attended, presents: updated } = groupQueryAttention(
      {
        query: rotated(query),
        key: rotated(key),
        value: byRow(value),
        pasts,
        lastPosition,
        longest,
        tables: operatorRotates ? [cos, sin] : [],
      },
      config,
      "capacity",
    );
    for (const [index, name] of names.present.entries()) presents[name] = updated[index]!;
    return reshape(attended, query.shape);
  };
  return { attention, presents };
}

/** [tokens, width] becomes [batch, sequence, width]. */
function byRow(tensor: Tensor): Tensor {
  return reshape(tensor, ["batch", "sequence", tensor.shape[1]!]);
}

/** [batch, sequence]: the positions of the tokens that end at `lastPosition` [batch]. */
function positionsBefore(lastPosition: Tensor): Tensor {
  const { graph } = lastPosition;
  return graph.once("positions", () => {
    const length = reshape(graph.dimension("sequence"), []);
    const limits = [graph.scalar(0, "i64"), length, graph.scalar(1, "i64")];
    const count = graph.emitOne("Range", limits, { dataType: "i64", shape: ["sequence"] });
    const first = subtract(cast(lastPosition, "i64"), subtract(length, graph.scalar(1, "i64")));
    return add(reshape(first, ["batch", 1]), reshape(count, [1, "sequence"]));
  });
}
