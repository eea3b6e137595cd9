/** @file The seam between what is learned (all weights, low-bit weights, adapters) and what is minimised (likelihood, distillation, preference). */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { EngineTensor } from "../engine/index.ts";
import type { Graph } from "../graph/index.ts";
import type { Tensor } from "../graph/index.ts";
import type { DecoderParts } from "../models/decoder-parts.ts";
import { dense } from "../models/linears/dense.ts";
import type { FlatParameters } from "./parameters.ts";

/** The parts of a decoder inside one training graph. */
export interface TrainableParts extends Pick<DecoderParts, "linear" | "parameter"> {
  /** The learned tensors that the graph uses so far, by parameter name. */
  readonly learned: ReadonlyMap<string, Tensor>;
}

/** A model some of whose tensors are learned. */
export interface TrainableModel {
  readonly config: ModelConfig;
  readonly parameters: FlatParameters;
  /** Graph inputs that never change. */
  readonly frozen: Readonly<Record<string, EngineTensor>>;
  /** Declares inputs in `graph` as the decoder asks for them. */
  readonly parts: (graph: Graph) => TrainableParts;
}

/** Every weight learned in full precision. */
export function denseModel(config: ModelConfig, parameters: FlatParameters): TrainableModel {
  const names = new Set(parameters.segments.map(({ name }) => name));
  return {
    config,
    parameters,
    frozen: {},
    parts: (graph) => {
      const inputs = floatInputs(graph, (name) => names.has(name));
      return { parameter: inputs.input, learned: inputs.learned, linear: dense(inputs.input) };
    },
  };
}

/** float32 graph inputs made on first use; those for which `isLearned` get gradients. */
export function floatInputs(
  graph: Graph,
  isLearned: (name: string) => boolean,
): { readonly input: DecoderParts["parameter"]; readonly learned: ReadonlyMap<string, Tensor> } {
  const all = new Map<string, Tensor>();
  const learned = new Map<string, Tensor>();
  const input = (name: string, shape: readonly number[]): Tensor => {
    let tensor = all.get(name);
    if (tensor === undefined) {
      tensor = graph.input(name, "f32", shape, { requiresGradient: isLearned(name) });
      all.set(name, tensor);
      if (isLearned(name)) learned.set(name, tensor);
    }
    return tensor;
  };
  return { input, learned };
}
