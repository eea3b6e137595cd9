/** @file What every training graph over token sequences shares: the batch inputs, the decoder over them, and the outputs the loop reads. */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { gradients, Graph, type Tensor } from "../graph/index.ts";
import { decoder, type DecoderOutput } from "../models/decoder.ts";
import type { DecoderParts } from "../models/decoder-parts.ts";
import { fullSequenceAttention } from "../models/attention/full-sequence.ts";
import type { BatchShape, SequenceBatch } from "./batches.ts";
import type { MicroBatch } from "./gradient-workers.ts";

/** A graph that reads one {@link SequenceBatch}. */
export interface SequenceGraph {
  readonly graph: Graph;
  readonly config: ModelConfig;
  readonly shape: BatchShape;
  /** All [sequences · length]. */
  readonly tokenIds: Tensor;
  readonly targets: Tensor;
  readonly weights: Tensor;
}

/** Opens a graph for batches of `shape`. */
export function openSequenceGraph(config: ModelConfig, shape: BatchShape): SequenceGraph {
  const graph = new Graph();
  const size = shape.sequences * shape.length;
  return {
    graph,
    config,
    shape,
    tokenIds: graph.input("tokenIds", "i64", [size]),
    targets: graph.input("targets", "i64", [size]),
    weights: graph.input("weights", "f32", [size]),
  };
}

/** A batch as feeds of the graph of its shape. */
export function sequenceMicroBatch({ shape, tokens, tokenIds, targets, weights }: SequenceBatch): MicroBatch {
  return { shape, tokens, feeds: { tokenIds, targets, weights } };
}

/** Runs the decoder on the graph's batch: hidden states and the head. */
export function decodeSequences(
  { config, shape, tokenIds, graph }: SequenceGraph,
  parts: Pick<DecoderParts, "linear" | "parameter">,
): DecoderOutput {
  const { sequences: batch, length: sequence } = shape;
  const attention = fullSequenceAttention(graph, { config, batch, sequence });
  return decoder(config, {
    tokenIds,
    parts: { linear: parts.linear, parameter: parts.parameter, attention },
  });
}

/** Serializes a graph with the outputs that the gradient workers read. */
export function buildGradientModel(
  graph: Graph,
  outputs: {
    readonly loss: Tensor;
    readonly learned: ReadonlyMap<string, Tensor>;
    readonly metrics?: Readonly<Record<string, Tensor>>;
  },
): Uint8Array {
  const { loss, learned, metrics = {} } = outputs;
  const slopes = gradients(loss, [...learned.values()]);
  return graph.build({
    loss,
    ...Object.fromEntries([...learned.keys()].map((name, index) => [`gradient/${name}`, slopes[index]!])),
    ...Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`metric/${name}`, value])),
  });
}
