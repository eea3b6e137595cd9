/** @file Weights in a data file, in the layout of their operators, and the parts of a decoder that take them from there. */
import { cast } from "../../graph/operations.ts";
import type { Graph } from "../../graph/graph.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { DataType, ExternalLocation } from "../../onnx/index.ts";
import { BitmendError } from "../../util/errors.ts";
import type { Linear } from "../decoder-parts.ts";
import { layoutProduct, type AccuracyLevel, type MatrixScheme } from "../linears/operator-layout.ts";

/** A tensor in a data file. */
export interface StoredTensor {
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly location: ExternalLocation;
}

/** All weights of a model in a data file. */
export interface StoredWeights {
  /** Parameters by Hugging Face name, parts of low-bit weights as `<module>.<part>`. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Low-bit weights by module. */
  readonly schemes: ReadonlyMap<string, MatrixScheme>;
}

/** A tensor of the file inside `graph`, once. */
export function placed(graph: Graph, { tensors }: StoredWeights, name: string): Tensor {
  return graph.once(`stored ${name}`, () => {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      throw new BitmendError(
        "models/missing-parameter",
        `placed(): expected ${name} to be stored, got nothing of that name.`,
      );
    }
    return graph.external(name, tensor.dataType, tensor.shape, tensor.location);
  });
}

/** A float parameter of the file, widened, once. */
export function placedFloats(graph: Graph, weights: StoredWeights, name: string): Tensor {
  return graph.once(`float ${name}`, () => cast(placed(graph, weights, name), "f32"));
}

/** Low-bit products where the file has codes, `base` elsewhere. */
export function storedLinear(
  weights: StoredWeights,
  base: Linear,
  { accuracyLevel }: { readonly accuracyLevel: AccuracyLevel },
): Linear {
  return (input, site) => {
    const scheme = weights.schemes.get(site.name);
    if (scheme === undefined) return base(input, site);
    const part = (name: string): Tensor => placed(input.graph, weights, `${site.name}.${name}`);
    return layoutProduct(input, scheme, { part, accuracyLevel });
  };
}
