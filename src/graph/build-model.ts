import { encodeModel, type NodeDescription, type TensorContent } from "../onnx/index.ts";
import { BitmendError } from "../util/errors.ts";
import type { GraphNode, Tensor } from "./tensor.ts";

/** What a graph holds when it is written. */
export interface GraphParts {
  /** In an order in which they can run. */
  readonly nodes: readonly GraphNode[];
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly contents: ReadonlyMap<Tensor, TensorContent>;
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Serializes the part of a graph that `outputs` depend on.
 *
 * @throws {BitmendError} `graph/name` when an output has the name of an input or weight.
 */
export function buildModel({
  nodes,
  inputs,
  contents,
  outputs,
  metadata,
}: GraphParts): Uint8Array<ArrayBuffer> {
  const live = liveParts(Object.values(outputs));
  const finalNames = new Map<string, string>();
  const copies: NodeDescription[] = [];
  const reserved = new Set([...inputs.keys(), ...[...contents.values()].map((content) => content.name)]);
  for (const [name, tensor] of Object.entries(outputs)) {
    if (reserved.has(name)) {
      throw new BitmendError(
        "graph/name",
        `Graph.build(): output "${name}" has the name of an input or weight.`,
      );
    }
    // An output is named at its producer (an Identity would copy it), unless it has a name already.
    if (tensor.node !== null && !finalNames.has(tensor.name)) finalNames.set(tensor.name, name);
    else copies.push(identity(finalNames.get(tensor.name) ?? tensor.name, name));
  }
  const nameOf = (tensor: Tensor | null): string =>
    tensor === null ? "" : (finalNames.get(tensor.name) ?? tensor.name);
  const described = nodes
    .filter((node) => live.nodes.has(node))
    .map((node, index) => ({
      ...node,
      name: `${node.operator} ${index}`,
      inputs: node.inputs.map(nameOf),
      outputs: node.outputs.map(nameOf),
    }));
  return encodeModel({
    nodes: [...described, ...copies],
    inputs: [...inputs.values()].filter((tensor) => live.names.has(tensor.name)),
    outputs: Object.entries(outputs).map(([name, { dataType, shape }]) => ({ name, dataType, shape })),
    initializers: [...contents.values()].filter((content) => live.names.has(content.name)),
    metadata,
  });
}

function identity(input: string, output: string): NodeDescription {
  const name = `Identity ${output}`;
  return { name, operator: "Identity", domain: "", inputs: [input], outputs: [output], attributes: {} };
}

/** Nodes that the outputs need, and the names of all tensors they read. */
function liveParts(outputs: readonly Tensor[]): {
  nodes: ReadonlySet<GraphNode>;
  names: ReadonlySet<string>;
} {
  const nodes = new Set<GraphNode>();
  const names = new Set<string>();
  const pending = [...outputs];
  for (let tensor = pending.pop(); tensor !== undefined; tensor = pending.pop()) {
    names.add(tensor.name);
    if (tensor.node === null || nodes.has(tensor.node)) continue;
    nodes.add(tensor.node);
    for (const input of tensor.node.inputs) if (input !== null) pending.push(input);
  }
  return { nodes, names };
}
