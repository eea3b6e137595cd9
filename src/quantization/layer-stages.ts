/**
 * @file One decoder layer as calibration runs it, cut into stages: what each group of linears reads, summed up, and each half in two parts, before
 * and from its last linear on.
 *
 * Weights are inputs, so one set of stages serves all layers of a model, and a stage sees the linears before it as they
 * are by then: quantized.
 */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { Graph } from "../graph/graph.ts";
import { reshape } from "../graph/operations.ts";
import { product } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { forwardOnlyAttention } from "../models/attention/forward-only.ts";
import { attentionHalf, feedForwardHalf } from "../models/decoder-layer.ts";
import type { LinearKind } from "../models/linear-sites.ts";
import { dense } from "../models/linears/dense.ts";
import { tap } from "../models/linears/tap.ts";
import { gramOutputs } from "./gram-blocks.ts";
import { nameInLayer } from "./layer-parameters.ts";

/** Halves of a layer. */
export type LayerHalf = "attention" | "feed-forward";

/**
 * The stages of a layer as ONNX models. Inputs: `hidden` [batch, sequence, hiddenSize], `tokenWeights` [batch, sequence] (1 for a
 * token, 0 for padding) and those parameters of the layer that the stage needs, by their names in the layer.
 */
export interface LayerStages {
  /**
   * By the first kind of each group of linears; outputs those of `gramOutputs()`, `absoluteSum` and `absoluteMaximum` of what the group reads, as
   * a `Tap` says, and `read`, what it reads [tokens, in].
   */
  readonly inputs: ReadonlyMap<LinearKind, Uint8Array>;
  /** Whole halves, attention first; output `next` [batch, sequence, hiddenSize]. */
  readonly halves: readonly [attention: Uint8Array, feedForward: Uint8Array];
  /** Up to what the last linear of a half reads, output `read`. */
  readonly openings: Readonly<Record<LayerHalf, Uint8Array>>;
  /** From `read` on: the last linear, added to `hidden`; output `next` [batch, sequence, hiddenSize]. */
  readonly closings: Readonly<Record<LayerHalf, Uint8Array>>;
}

/** The last linear of each half. */
export const lastKinds = { attention: "o", "feed-forward": "down" } as const;

const builders = { attention: attentionHalf, "feed-forward": feedForwardHalf };

/** Builds the stages for sequences of up to `maxPositions` tokens. */
export function buildLayerStages(config: ModelConfig, maxPositions: number): LayerStages {
  const inputs = new Map<LinearKind, Uint8Array>();
  const attention = buildHalf("attention", { config, maxPositions, inputs });
  const feedForward = buildHalf("feed-forward", { config, maxPositions, inputs });
  const closing = (half: LayerHalf): Uint8Array => buildClosing(half, config);
  return {
    inputs,
    halves: [attention.whole, feedForward.whole],
    openings: { attention: attention.opening, "feed-forward": feedForward.opening },
    closings: { attention: closing("attention"), "feed-forward": closing("feed-forward") },
  };
}

/** Builds a half and its first part, and adds the stages of its groups to `inputs`. */
function buildHalf(
  half: LayerHalf,
  {
    config,
    maxPositions,
    inputs,
  }: { config: ModelConfig; maxPositions: number; inputs: Map<LinearKind, Uint8Array> },
): { readonly whole: Uint8Array; readonly opening: Uint8Array } {
  const graph = new Graph();
  // The text comes first: sizes are taken from it, and every stage reads it.
  const hidden = hiddenRows(graph, config);
  const tokenWeights = graph.input("tokenWeights", "f32", ["batch", "sequence"]);
  const parameter = layerInput(graph);
  const tapped = tap({ base: dense(parameter), tokenWeights: reshape(tokenWeights, [tokens, 1]) });
  let opening: Uint8Array = new Uint8Array();
  const next = builders[half](hidden, {
    config,
    layer: 0,
    parts: {
      parameter,
      attention: forwardOnlyAttention(graph, { config, maxPositions }),
      linear: (read, site) => {
        const output = tapped.linear(read, site);
        const activation = tapped.activations.get(site.name);
        if (activation !== undefined) {
          const { counted, absoluteSum, absoluteMaximum } = activation;
          const grams = gramOutputs(site.kind, counted, site.inFeatures);
          inputs.set(site.kind, graph.build({ read, absoluteSum, absoluteMaximum, ...grams }));
        }
        if (site.kind === lastKinds[half]) opening = graph.build({ read });
        return output;
      },
    },
  });
  return { whole: graph.build({ next: asText(next, config) }), opening };
}

/** Builds the second part of a half: what its last linear reads is an input, and so nothing before it is computed. */
function buildClosing(half: LayerHalf, config: ModelConfig): Uint8Array {
  const graph = new Graph();
  const hidden = hiddenRows(graph, config);
  const parameter = layerInput(graph);
  const base = dense(parameter);
  const next = builders[half](hidden, {
    config,
    layer: 0,
    parts: {
      parameter,
      attention: ({ query }) => query,
      linear: (input, site) =>
        site.kind === lastKinds[half]
          ? base(graph.input("read", "f32", [tokens, site.inFeatures]), site)
          : base(input, site),
    },
  });
  return graph.build({ next: asText(next, config) });
}

const tokens = product(["batch", "sequence"]);

function hiddenRows(graph: Graph, { hiddenSize }: ModelConfig): Tensor {
  return reshape(graph.input("hidden", "f32", ["batch", "sequence", hiddenSize]), [tokens, hiddenSize]);
}

function asText(rows: Tensor, { hiddenSize }: ModelConfig): Tensor {
  return reshape(rows, ["batch", "sequence", hiddenSize]);
}

/** Parameters as inputs, by their names in the layer. */
function layerInput(graph: Graph): (name: string, shape: readonly number[]) => Tensor {
  return (name, shape) => graph.input(nameInLayer(name), "f32", shape);
}
