import type { ModelConfig } from "../../checkpoint/model-config.ts";
import { Graph } from "../../graph/graph.ts";
import { cast, reshape } from "../../graph/operations.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { DataType, ExternalLocation } from "../../onnx/index.ts";
import { BitmendError } from "../../util/errors.ts";
import { decoder } from "../decoder.ts";
import type { DecoderParts, Linear } from "../decoder-parts.ts";
import { dense } from "../linears/dense.ts";
import { layoutProduct, type MatrixScheme } from "../linears/operator-layout.ts";
import { BATCH, maskedAttention, SEQUENCE } from "./masked-attention.ts";

/** A tensor in a data file. */
export interface StoredTensor {
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly location: ExternalLocation;
}

/** All weights of a model in a data file. */
export interface StoredWeights {
  /** Parameters by Hugging Face name, parts of low-bit weights as `<module>.<part>`, and the rotary tables. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Low-bit weights by module. */
  readonly schemes: ReadonlyMap<string, MatrixScheme>;
}

/** Names of the rotary tables, [positions, headDimension / 2]. */
export const ROTARY_TABLES = ["rotary.cos", "rotary.sin"] as const;

/**
 * The decoder as an ONNX model whose weights lie in a data file, with the inputs and outputs that Hugging Face's Optimum gives decoders.
 *
 * Inputs: `input_ids` [batch, sequence] i64 and those of {@link maskedAttention}. Outputs: `logits` [batch, sequence, vocabularySize] and
 * `present.*.key|value`.
 */
export function buildOnnxGraph(
  config: ModelConfig,
  weights: StoredWeights,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const graph = new Graph();
  const tokenIds = graph.input("input_ids", "i64", [BATCH, SEQUENCE]);
  const stored = placed(graph, weights);
  const [cos, sin] = ROTARY_TABLES.map(stored);
  const { attention, presents } = maskedAttention(graph, config, { cos: cos!, sin: sin! });
  const parameter: DecoderParts["parameter"] = (name) =>
    graph.once(`float ${name}`, () => cast(stored(name), "f32"));
  const linear = storedLinear({ weights, stored, base: dense(parameter) });
  const { hidden, logits } = decoder(config, { tokenIds, parts: { parameter, linear, attention } });
  const shaped = reshape(logits(hidden), [BATCH, SEQUENCE, config.vocabularySize]);
  return graph.build({ logits: shaped, ...presents }, { metadata });
}

/** Low-bit products where the file has codes, `base` elsewhere. */
function storedLinear({
  weights,
  stored,
  base,
}: {
  readonly weights: StoredWeights;
  readonly stored: (name: string) => Tensor;
  readonly base: Linear;
}): Linear {
  return (input, site) => {
    const scheme = weights.schemes.get(site.name);
    if (scheme === undefined) return base(input, site);
    return layoutProduct(input, scheme, { part: (part) => stored(`${site.name}.${part}`), accuracyLevel: 0 });
  };
}

/** The tensors of the file inside a graph, each once. */
function placed(graph: Graph, { tensors }: StoredWeights): (name: string) => Tensor {
  return (name) =>
    graph.once(`stored ${name}`, () => {
      const tensor = tensors.get(name);
      if (tensor === undefined) {
        throw new BitmendError(
          "models/missing-parameter",
          `buildOnnxGraph(): expected ${name} to be stored, got nothing of that name.`,
        );
      }
      return graph.external(name, tensor.dataType, tensor.shape, tensor.location);
    });
}
