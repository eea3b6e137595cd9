import type { Attribute, DataType, Domain } from "../onnx/index.ts";
import type { Graph } from "./graph.ts";
import type { Dim } from "./shape.ts";

/** A value in a graph: known type and shape, no content. */
export interface Tensor {
  readonly graph: Graph;
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly Dim[];
  /** True when a gradient with respect to it, or through it, can be asked for. */
  readonly requiresGradient: boolean;
  /** The node that computes it; null for inputs and constants. */
  readonly node: GraphNode | null;
  /** How a gradient passes through it; null when none does. */
  readonly rule: GradientRule | null;
}

/** One operator call that will be written to the model if an output needs it. */
export interface GraphNode {
  readonly operator: string;
  readonly domain: Domain;
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** null stands for an omitted optional input. */
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly Tensor[];
}

/**
 * Vector-Jacobian product: from the gradients of the outputs (null where nothing depends on one) to those of the inputs (null where
 * none flows). It may emit a gradient for every input; what nobody asked for is left out of the model.
 */
export type Backward = (outputGradients: readonly (Tensor | null)[]) => readonly (Tensor | null)[];

/** The differentiable step that made a tensor: one node, or a whole block with a hand-written rule. */
export interface GradientRule {
  /** Rules are applied in descending order, so every consumer comes before its producer. */
  readonly order: number;
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly Tensor[];
  readonly backward: Backward;
}
