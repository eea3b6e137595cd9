/**
 * @file One decoder layer as calibration runs it, cut into stages: what each group of linears reads, summed up, and the two halves.
 *
 * Weights are inputs, so one set of sessions serves all layers of a model, and a stage sees the linears before it as they
 * are by then: quantized. A layer costs two passes over its attention and two over its feed-forward.
 */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { Graph } from "../graph/graph.ts";
import { reshape } from "../graph/operations.ts";
import { product } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { fullSequenceAttention } from "../models/attention/full-sequence.ts";
import { attentionHalf, feedForwardHalf } from "../models/decoder-layer.ts";
import type { LinearKind } from "../models/linear-sites.ts";
import { dense } from "../models/linears/dense.ts";
import { tap } from "../models/linears/tap.ts";
import { nameInLayer } from "./layer-parameters.ts";

/**
 * The stages of a layer as ONNX models. Inputs: `hidden` [batch, sequence, hiddenSize], `tokenWeights` [batch, sequence] (1 for a
 * token, 0 for padding) and those parameters of the layer that the stage needs, by their names in the layer.
 */
export interface LayerStages {
  /** By the first kind of each group of linears; outputs `gram`, `absoluteSum` and `absoluteMaximum` of what the group reads, as a `Tap` says. */
  readonly inputs: ReadonlyMap<LinearKind, Uint8Array>;
  /** From the layer's input to its residual stream after attention, and on to its output; output `next` [batch, sequence, hiddenSize]. */
  readonly halves: readonly [attention: Uint8Array, feedForward: Uint8Array];
}

/** Builds the stages for sequences of up to `maxPositions` tokens. */
export function buildLayerStages(config: ModelConfig, maxPositions: number): LayerStages {
  const inputs = new Map<LinearKind, Uint8Array>();
  const build = (half: typeof attentionHalf): Uint8Array => buildHalf(half, { config, maxPositions, inputs });
  return { halves: [build(attentionHalf), build(feedForwardHalf)], inputs };
}

/** Builds one half of a layer, and adds the stages of its groups to `inputs`. */
function buildHalf(
  half: typeof attentionHalf,
  {
    config,
    maxPositions,
    inputs,
  }: { config: ModelConfig; maxPositions: number; inputs: Map<LinearKind, Uint8Array> },
): Uint8Array {
  const graph = new Graph();
  const [batch, sequence] = ["batch", "sequence"];
  const tokens = product([batch, sequence]);
  const hidden = graph.input("hidden", "f32", [batch, sequence, config.hiddenSize]);
  const tokenWeights = graph.input("tokenWeights", "f32", [batch, sequence]);
  const parameter = (name: string, shape: readonly number[]): Tensor =>
    graph.input(nameInLayer(name), "f32", shape);
  const tapped = tap({ base: dense(parameter), tokenWeights: reshape(tokenWeights, [tokens, 1]) });
  const next = half(reshape(hidden, [tokens, config.hiddenSize]), {
    config,
    layer: 0,
    parts: {
      parameter,
      attention: fullSequenceAttention(graph, { config, batch, sequence, maxPositions }),
      linear: (input, site) => {
        const output = tapped.linear(input, site);
        const activation = tapped.activations.get(site.name);
        if (activation !== undefined) inputs.set(site.kind, graph.build({ ...activation }));
        return output;
      },
    },
  });
  return graph.build({ next: reshape(next, hidden.shape) });
}
