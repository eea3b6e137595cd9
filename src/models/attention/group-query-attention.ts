import type { ModelConfig } from "../../checkpoint/model-config.ts";
import type { Dim } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";

/** What the operator reads. Sequences are [batch, sequence, heads · headDimension]. */
export interface GroupQueryAttentionInput {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  /** [batch, keyValueHeadCount, past, headDimension]: keys, then values. */
  readonly pasts: readonly Tensor[];
  /** [batch], i32: tokens in the cache after this step, minus one. */
  readonly lastPosition: Tensor;
  /** [], i32: the largest number of tokens in the batch after this step. */
  readonly longest: Tensor;
  /** Cosines and sines, for the operator to rotate queries and keys. Default: they are rotated. */
  readonly tables?: readonly Tensor[];
  /** [batch, 1, sequence, total], added to the scores. Default: nothing. */
  readonly bias?: Tensor;
}

/** Causal attention over a cache, `com.microsoft.GroupQueryAttention`; forward only. `presentLength` is the caches' new third axis. */
export function groupQueryAttention(
  input: GroupQueryAttentionInput,
  { headCount, keyValueHeadCount, headDimension }: ModelConfig,
  presentLength: Dim,
): { readonly attended: Tensor; readonly presents: readonly Tensor[] } {
  const { query, key, value, pasts, lastPosition, longest, tables = [], bias } = input;
  const [batch, sequence] = [query.shape[0]!, query.shape[1]!];
  const present = {
    dataType: "f32",
    shape: [batch, keyValueHeadCount, presentLength, headDimension],
  } as const;
  const noTables = [null, null];
  const ofBias = bias === undefined ? [] : [...(tables.length === 0 ? noTables : []), null, bias];
  const [attended, ...presents] = query.graph.emit(
    "GroupQueryAttention",
    [query, key, value, ...pasts, lastPosition, longest, ...tables, ...ofBias],
    [{ dataType: "f32", shape: [batch, sequence, headCount * headDimension] }, present, present],
    {
      domain: "com.microsoft",
      attributes: {
        num_heads: { integer: headCount },
        kv_num_heads: { integer: keyValueHeadCount },
        do_rotary: { integer: tables.length > 0 ? 1 : 0 },
        rotary_interleaved: { integer: 0 },
      },
    },
  );
  return { attended: attended!, presents };
}
