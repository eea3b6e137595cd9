/**
 * @file One decoder layer as calibration runs it, cut into stages: the Gram matrix each group of linears reads, and the whole layer.
 *
 * Weights are inputs, so one set of sessions serves all layers of a model, and a stage sees the linears before it as they
 * are by then: quantized.
 */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { Graph } from "../graph/graph.ts";
import { reshape } from "../graph/operations.ts";
import { product } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { fullSequenceAttention } from "../models/attention/full-sequence.ts";
import { decoderLayer } from "../models/decoder-layer.ts";
import type { LinearKind } from "../models/linear-sites.ts";
import { dense } from "../models/linears/dense.ts";
import { tap } from "../models/linears/tap.ts";
import { nameInLayer } from "./layer-parameters.ts";

/**
 * The stages of a layer as ONNX models. Inputs: `hidden` [batch, sequence, hiddenSize], `tokenWeights` [batch, sequence] (1 for a
 * token, 0 for padding) and those parameters of the layer that the stage needs, by their names in the layer.
 */
export interface LayerStages {
  /** By the first kind of each group of linears; output `gram` [in, in], the Gram matrix of what the group reads. */
  readonly grams: ReadonlyMap<LinearKind, Uint8Array>;
  /** Output `layerOutput` [batch, sequence, hiddenSize]. */
  readonly forward: Uint8Array;
}

/** Builds the stages for sequences of up to `maxPositions` tokens. */
export function buildLayerStages(config: ModelConfig, maxPositions: number): LayerStages {
  const graph = new Graph();
  const [batch, sequence] = ["batch", "sequence"];
  const tokens = product([batch, sequence]);
  const hidden = graph.input("hidden", "f32", [batch, sequence, config.hiddenSize]);
  const tokenWeights = graph.input("tokenWeights", "f32", [batch, sequence]);
  const parameter = (name: string, shape: readonly number[]): Tensor =>
    graph.input(nameInLayer(name), "f32", shape);
  const tapped = tap({ base: dense(parameter), tokenWeights: reshape(tokenWeights, [tokens, 1]) });
  const grams = new Map<LinearKind, Uint8Array>();
  const output = decoderLayer(reshape(hidden, [tokens, config.hiddenSize]), {
    config,
    layer: 0,
    parts: {
      parameter,
      attention: fullSequenceAttention(graph, { config, batch, sequence, maxPositions }),
      linear: (input, site) => {
        const result = tapped.linear(input, site);
        const gram = tapped.grams.get(site.name);
        if (gram !== undefined) grams.set(site.kind, graph.build({ gram }));
        return result;
      },
    },
  });
  return { grams, forward: graph.build({ layerOutput: reshape(output, hidden.shape) }) };
}
