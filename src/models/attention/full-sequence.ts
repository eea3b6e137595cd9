/** @file Attention over whole sequences, differentiable: training, calibration and scoring without a cache. */
import type { ModelConfig } from "../../checkpoint/model-config.ts";
import { ropeTables } from "../../checkpoint/rope.ts";
import type { Graph } from "../../graph/graph.ts";
import { causalAttention, expand, reshape, rotary, transpose } from "../../graph/operations.ts";
import type { Dim } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Attention } from "../decoder-parts.ts";

/** The sequences that attend. */
export interface FullSequenceOptions {
  readonly config: ModelConfig;
  readonly batch: Dim;
  readonly sequence: Dim;
  /** Rows of the rotary tables: the longest sequence. Default: `sequence`, which then must be a number. */
  readonly maxPositions?: number;
  /** [batch, sequence], i64. Default: 0 … sequence - 1 in every row. */
  readonly positions?: Tensor;
}

/**
 * Causal attention over a batch of sequences that begin at their first column.
 *
 * Shorter sequences are padded on the right: what precedes padding never sees it, so no other mask is needed as long as nobody reads the
 * outputs at padding.
 */
export function fullSequenceAttention(graph: Graph, options: FullSequenceOptions): Attention {
  const { config, batch, sequence } = options;
  const { headCount, keyValueHeadCount, headDimension } = config;
  const rotated = rotaryRows(graph, options);
  const byHead = (rows: Tensor, heads: number): Tensor =>
    transpose(reshape(rows, [batch, sequence, heads, headDimension]), [0, 2, 1, 3]);
  return ({ query, key, value }) => {
    const attended = causalAttention({
      query: byHead(rotated(query), headCount),
      key: byHead(rotated(key), keyValueHeadCount),
      value: byHead(value, keyValueHeadCount),
      scale: headDimension ** -0.5,
    });
    return reshape(transpose(attended, [0, 2, 1, 3]), query.shape);
  };
}

/** RoPE on rows [tokens, heads · headDimension]; gives [batch, sequence, heads · headDimension]. */
export function rotaryRows(
  graph: Graph,
  { config, batch, sequence, ...options }: FullSequenceOptions,
): (rows: Tensor) => Tensor {
  const { headDimension } = config;
  const maxPositions = options.maxPositions ?? Number(sequence);
  const tables = ropeTables(config.rope, { headDimension, positions: maxPositions });
  const half = headDimension / 2;
  const table = (values: ArrayLike<number>): Tensor => {
    const TableArray = graph.floatType === "f64" ? Float64Array : Float32Array;
    return graph.constant(graph.floatType, [maxPositions, half], TableArray.from(values));
  };
  const cos = table(tables.cos);
  const sin = table(tables.sin);
  const negativeSin = table(tables.sin.map((value) => -value));
  const positions = options.positions ?? consecutivePositions(graph, batch, sequence);
  return (rows) => {
    const joined = reshape(rows, [batch, sequence, rows.shape[1]!]);
    return rotary(joined, { positions, cos, sin, negativeSin });
  };
}

/** [batch, sequence]: 0 … sequence - 1 in every row. */
function consecutivePositions(graph: Graph, batch: Dim, sequence: Dim): Tensor {
  return expand(reshape(countUpTo(graph, sequence), [1, sequence]), [batch, sequence]);
}

function countUpTo(graph: Graph, length: Dim): Tensor {
  if (typeof length === "number") {
    return graph.constant(
      "i64",
      [length],
      BigInt64Array.from({ length }, (_, position) => BigInt(position)),
    );
  }
  const limits = [graph.scalar(0, "i64"), reshape(graph.dimension(length), []), graph.scalar(1, "i64")];
  return graph.emitOne("Range", limits, { dataType: "i64", shape: [length] });
}
