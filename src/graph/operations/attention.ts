import {
  formatShape,
  knownDimension,
  product,
  sameShape,
  shapeError,
  type Dim,
  type Shape,
} from "../shape.ts";
import type { Graph } from "../graph.ts";
import type { Tensor } from "../tensor.ts";
import {
  add,
  compare,
  multiply,
  reduceSum,
  requireSameType,
  reshape,
  subtract,
  where,
} from "./elementwise.ts";
import { batchedMatmul } from "./matmul.ts";
import { softmax } from "./softmax.ts";

/** Operands of `causalAttention()`. */
export interface AttentionOptions {
  /** [batch, heads, tokens, headDimension]. */
  readonly query: Tensor;
  /** [batch, keyValueHeads, tokens, headDimension]; heads is a multiple of keyValueHeads, and consecutive heads share one. */
  readonly key: Tensor;
  /** As `key`. */
  readonly value: Tensor;
  /** Added to the scores; broadcasts to [batch, heads, tokens, tokens]. Default: every token sees itself and what precedes it. */
  readonly mask?: Tensor;
  /** Multiplies the scores, usually headDimension^-1/2. */
  readonly scale: number;
}

/** A score low enough that its probability is exactly 0. */
const hidden = -1e9;

/**
 * Scaled dot-product attention over whole sequences with grouped heads (https://arxiv.org/abs/2305.13245), differentiable in query, key and
 * value. The probabilities are kept for the gradient; Σ dP·P of a row is computed as Σ dO·O (https://arxiv.org/abs/2307.08691, section 2.3.1).
 */
export function causalAttention(options: AttentionOptions): Tensor {
  const { query, key, value, scale } = options;
  const { graph } = query;
  const { batch, heads, tokens, width, sharedHeads } = attentionShape(options);
  const mask = options.mask ?? causalMask(graph, tokens);
  // Heads that share a key are stacked as more rows of one product: no copy of the keys is made.
  const stacked = [batch, sharedHeads, product([heads / sharedHeads, tokens]), width] satisfies Shape;
  const stackedQuery = graph.withoutGradients(() => reshape(query, stacked));
  let probabilities: Tensor | null = null;
  const [output] = graph.block({
    inputs: [query, key, value],
    compute: () => {
      const scores = batchedMatmul(stackedQuery, key, { transposeB: true, alpha: scale });
      const masked = add(reshape(scores, [batch, heads, tokens, tokens]), mask);
      probabilities = reshape(softmax(masked), [...stacked.slice(0, -1), tokens]);
      return [reshape(batchedMatmul(probabilities, value), query.shape)];
    },
    backward: ([gradient]) => {
      const outputGradient = reshape(gradient!, stacked);
      const valueGradient = batchedMatmul(probabilities!, outputGradient, { transposeA: true });
      const probabilityGradient = batchedMatmul(outputGradient, value, { transposeB: true });
      const rowSum = reduceSum(multiply(outputGradient, reshape(output!, stacked)), {
        axes: [-1],
        keepDims: true,
      });
      const scoreGradient = multiply(probabilities!, subtract(probabilityGradient, rowSum));
      return [
        reshape(batchedMatmul(scoreGradient, key, { alpha: scale }), query.shape),
        batchedMatmul(scoreGradient, stackedQuery, { transposeA: true, alpha: scale }),
        valueGradient,
      ];
    },
  });
  return output!;
}

/** [tokens, tokens]: 0 on and below the diagonal, -1e9 above; one per graph and size. */
function causalMask(graph: Graph, tokens: Dim): Tensor {
  return graph.once(`causal mask ${tokens}`, () => {
    if (typeof tokens === "string") return computedCausalMask(graph, tokens);
    const values = new (graph.floatType === "f64" ? Float64Array : Float32Array)(tokens * tokens);
    for (let row = 0; row < tokens; row++) values.fill(hidden, row * tokens + row + 1, (row + 1) * tokens);
    return graph.constant(graph.floatType, [tokens, tokens], values);
  });
}

function computedCausalMask(graph: Graph, tokens: string): Tensor {
  const limits = [graph.scalar(0, "i64"), reshape(graph.dimension(tokens), []), graph.scalar(1, "i64")];
  const range = graph.emitOne("Range", limits, { dataType: "i64", shape: [tokens] });
  const isVisible = compare(reshape(range, [tokens, 1]), "GreaterOrEqual", reshape(range, [1, tokens]));
  return where(isVisible, graph.scalar(0), graph.scalar(hidden));
}

function attentionShape({ query, key, value }: AttentionOptions): {
  readonly batch: Dim;
  readonly heads: number;
  readonly tokens: Dim;
  readonly width: number;
  readonly sharedHeads: number;
} {
  requireSameType([query, key, value], "causalAttention");
  const [batch, , tokens] = query.shape;
  const heads = knownDimension(query.shape[1], "causalAttention");
  const sharedHeads = knownDimension(key.shape[1], "causalAttention");
  const width = knownDimension(query.shape[3], "causalAttention");
  const fits = sameShape(key.shape, query.shape.with(1, sharedHeads)) && sameShape(value.shape, key.shape);
  if (query.shape.length !== 4 || !fits || heads % sharedHeads !== 0) {
    const got = [query, key, value].map(({ shape }) => formatShape(shape)).join(", ");
    throw shapeError(
      "causalAttention",
      "[batch, heads, tokens, width] and fewer heads of keys and values",
      got,
    );
  }
  return { batch: batch!, heads, tokens: tokens!, width, sharedHeads };
}
