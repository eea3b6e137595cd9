import { basename } from "node:path";
import {
  bytesPerElement,
  toTypedArray,
  type Attribute,
  type DataType,
  type Domain,
  type ExternalLocation,
  type TensorContent,
  type TypedArray,
} from "../onnx/index.ts";
import { BitmendError } from "../util/errors.ts";
import { buildModel } from "./build-model.ts";
import { cpuProfile, elementaryProfile, type DeviceProfile } from "./device-profile.ts";
import { factors, formatShape, product, shapeError, type Dim, type Shape } from "./shape.ts";
import type { Backward, GradientRule, GraphNode, Tensor } from "./tensor.ts";

/** Settings of a graph. */
export interface GraphOptions {
  /**
   * Element type of scalars and computed constants. Default: "f32". "f64" graphs use elementary operators throughout; load them with
   * optimization "disabled", because ONNX Runtime fuses some of them again in forms that round to float32.
   */
  readonly floatType?: "f32" | "f64";
  /** Operator forms. Default: the CPU's. */
  readonly profile?: DeviceProfile;
}

/** What a node's output will be. */
export interface OutputType {
  readonly dataType: DataType;
  readonly shape: Shape;
}

/** The parts of a node that most nodes leave out. */
export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Default: ONNX's own. */
  readonly domain?: Domain;
  /** Default: no gradient flows through the node. */
  readonly backward?: Backward;
}

/** A block whose gradient is written by hand. */
export interface BlockGradient {
  readonly inputs: readonly (Tensor | null)[];
  readonly compute: () => readonly Tensor[];
  readonly backward: Backward;
}

interface TensorParts extends OutputType {
  readonly name?: string;
  readonly requiresGradient?: boolean;
  readonly node?: GraphNode;
  readonly rule?: GradientRule | null;
}

/** A computation being written down: inputs, constants and nodes, turned into an ONNX model by `build()`. */
export class Graph {
  readonly floatType: "f32" | "f64";
  readonly profile: DeviceProfile;
  readonly #inputs = new Map<string, Tensor>();
  readonly #contents = new Map<Tensor, TensorContent>();
  readonly #nodes: GraphNode[] = [];
  readonly #memo = new Map<string, Tensor>();
  /** For each symbol, a tensor and axis of that size. */
  readonly #symbolSources = new Map<string, { readonly tensor: Tensor; readonly axis: number }>();
  readonly #names = new Set<string>();
  #nextId = 0;
  #recordsGradients = true;

  constructor({ floatType = "f32", profile = cpuProfile }: GraphOptions = {}) {
    this.floatType = floatType;
    this.profile = floatType === "f64" ? elementaryProfile : profile;
  }

  /** Declares a tensor that is fed at every run; its symbolic dimensions take their sizes from what is fed. */
  // oxlint-disable-next-line eslint/max-params -- three, and the options object
  input(
    name: string,
    dataType: DataType,
    shape: Shape,
    { requiresGradient = false }: { readonly requiresGradient?: boolean } = {},
  ): Tensor {
    const tensor = this.#tensor({ name: this.#claimName(name), dataType, shape, requiresGradient });
    this.#inputs.set(name, tensor);
    this.nameDimensions(tensor);
    return tensor;
  }

  /** A tensor of known content; f16 and bf16 values come as bit patterns in a Uint16Array. */
  constant(dataType: DataType, shape: readonly number[], values: readonly number[] | TypedArray): Tensor {
    if (values.length !== product(shape)) {
      throw shapeError(
        "Graph.constant",
        `${product(shape)} values for ${formatShape(shape)}`,
        String(values.length),
      );
    }
    const make = (): Tensor => {
      const tensor = this.#tensor({ dataType, shape });
      const data = ArrayBuffer.isView(values) ? values : toTypedArray(dataType, values);
      this.#contents.set(tensor, { name: tensor.name, dataType, shape, data });
      return tensor;
    };
    const isSmall = !ArrayBuffer.isView(values) && values.length <= 16;
    return isSmall ? this.once(`constant ${dataType} [${shape.join()}] ${values.join()}`, make) : make();
  }

  /** A constant of the graph's float type, or of `dataType`, without axes. */
  scalar(value: number, dataType: DataType = this.floatType): Tensor {
    return this.constant(dataType, [], [value]);
  }

  /** A weight that stays where it lies in a file; `location.file` is a name inside the folder the engine is told. */
  // oxlint-disable-next-line eslint/max-params -- three, and the location
  external(name: string, dataType: DataType, shape: readonly number[], location: ExternalLocation): Tensor {
    const expected = Number(product(shape)) * bytesPerElement(dataType);
    if (location.length !== expected) {
      throw shapeError(
        "Graph.external",
        `${expected} bytes for ${name} ${formatShape(shape)}`,
        `${location.length}`,
      );
    }
    if (
      basename(location.file) !== location.file ||
      !Number.isSafeInteger(location.offset) ||
      location.offset < 0
    ) {
      throw new BitmendError(
        "graph/bad-location",
        `Graph.external(): expected a file name and an offset for ${name}, got ${JSON.stringify(location)}.`,
      );
    }
    const tensor = this.#tensor({ name: this.#claimName(name), dataType, shape });
    this.#contents.set(tensor, { name, dataType, shape, data: location });
    return tensor;
  }

  /** Adds one operator call. Everything else is built from this; use it for operators that have no function of their own. */
  // oxlint-disable-next-line eslint/max-params -- three, and the options object
  emit(
    operator: string,
    inputs: readonly (Tensor | null)[],
    outputTypes: readonly OutputType[],
    { attributes = {}, domain = "", backward }: EmitOptions = {},
  ): Tensor[] {
    this.#refuseForeign(operator, inputs);
    const outputs: Tensor[] = [];
    const node: GraphNode = { operator, domain, attributes, inputs, outputs };
    this.#nodes.push(node);
    const rule = backward === undefined ? null : this.#rule({ inputs, outputs, backward });
    for (const { dataType, shape } of outputTypes) {
      outputs.push(this.#tensor({ dataType, shape, requiresGradient: rule !== null, node, rule }));
    }
    return outputs;
  }

  /** Adds one operator call with one output. */
  // oxlint-disable-next-line eslint/max-params -- three, and the options object
  emitOne(
    operator: string,
    inputs: readonly (Tensor | null)[],
    outputType: OutputType,
    options: EmitOptions = {},
  ): Tensor {
    return this.emit(operator, inputs, [outputType], options)[0]!;
  }

  /** Emits a block whose gradient is one rule instead of the rules of its nodes. */
  block({ inputs, compute, backward }: BlockGradient): Tensor[] {
    const inner = this.withoutGradients(compute);
    const outputs: Tensor[] = [];
    const rule = this.#rule({ inputs, outputs, backward });
    if (rule === null) return [...inner];
    for (const tensor of inner) {
      // A tensor that the block did not compute itself keeps its own identity; the block's output is a copy under the rule.
      const copied =
        inputs.includes(tensor) || tensor.node === null ? this.emitOne("Identity", [tensor], tensor) : tensor;
      const { dataType, shape, name, node } = copied;
      outputs.push(this.#tensor({ dataType, shape, name, node: node!, requiresGradient: true, rule }));
    }
    return outputs;
  }

  /** Runs `compute` without recording gradient rules: its results are constants to `gradients()`. */
  withoutGradients<Result>(compute: () => Result): Result {
    const before = this.#recordsGradients;
    this.#recordsGradients = false;
    try {
      return compute();
    } finally {
      this.#recordsGradients = before;
    }
  }

  /** Makes a tensor once per graph and key. */
  once(key: string, make: () => Tensor): Tensor {
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#memo.set(key, made);
    return made;
  }

  /** Lets the symbols in `tensor`'s shape, where new, take their run-time size from it. */
  nameDimensions(tensor: Tensor): void {
    for (const [axis, dimension] of tensor.shape.entries()) {
      if (typeof dimension === "string" && !this.#symbolSources.has(dimension)) {
        this.#symbolSources.set(dimension, { tensor, axis });
      }
    }
  }

  /** The size of a dimension when the graph runs, as an i64 tensor of shape [1]. */
  dimension(dimension: Dim): Tensor {
    if (typeof dimension === "number") return this.constant("i64", [1], [dimension]);
    return this.once(`dimension ${dimension}`, () => this.#computeDimension(dimension));
  }

  /** A shape when the graph runs, as an i64 tensor of shape [rank]. */
  shapeTensor(shape: Shape): Tensor {
    if (shape.every((dimension) => typeof dimension === "number")) {
      return this.constant("i64", [shape.length], shape);
    }
    return this.once(`shape ${formatShape(shape)}`, () => {
      const parts = shape.map((dimension) => this.dimension(dimension));
      const type = { dataType: "i64", shape: [shape.length] } as const;
      return this.emitOne("Concat", parts, type, { attributes: { axis: { integer: 0 } } });
    });
  }

  /**
   * Writes the nodes and constants that `outputs` need, as an ONNX ModelProto; an input that nothing needs is not an input of the model.
   * `metadata` are texts by key, for readers of the file.
   */
  build(
    outputs: Readonly<Record<string, Tensor>>,
    { metadata = {} }: { readonly metadata?: Readonly<Record<string, string>> } = {},
  ): Uint8Array<ArrayBuffer> {
    this.#refuseForeign("Graph.build", Object.values(outputs));
    const parts = { nodes: this.#nodes, inputs: this.#inputs, contents: this.#contents };
    return buildModel({ ...parts, outputs, metadata });
  }

  #computeDimension(dimension: string): Tensor {
    const source = this.#symbolSources.get(dimension);
    if (source !== undefined) {
      const attributes = { start: { integer: source.axis }, end: { integer: source.axis + 1 } };
      return this.emitOne("Shape", [source.tensor], { dataType: "i64", shape: [1] }, { attributes });
    }
    const parts = factors(dimension);
    if (parts.length === 1) {
      throw new BitmendError(
        "graph/unknown-dimension",
        `Graph.dimension(): no input has a dimension "${dimension}".`,
      );
    }
    return parts
      .map((part) => this.dimension(part))
      .reduce((left, right) => this.emitOne("Mul", [left, right], { dataType: "i64", shape: [1] }));
  }

  #rule(parts: Omit<GradientRule, "order">): GradientRule | null {
    const needed = this.#recordsGradients && parts.inputs.some((input) => input?.requiresGradient === true);
    return needed ? { ...parts, order: this.#nextId++ } : null;
  }

  #tensor({ name = `~${this.#nextId++}`, ...parts }: TensorParts): Tensor {
    const { dataType, shape, requiresGradient = false, node = null, rule = null } = parts;
    return { graph: this, name, dataType, shape, requiresGradient, node, rule };
  }

  #claimName(name: string): string {
    if (name === "" || name.startsWith("~") || this.#names.has(name)) {
      throw new BitmendError(
        "graph/name",
        `Graph: expected a new name for an input or weight, got "${name}".`,
      );
    }
    this.#names.add(name);
    return name;
  }

  #refuseForeign(operation: string, tensors: readonly (Tensor | null)[]): void {
    if (tensors.some((tensor) => tensor !== null && tensor.graph !== this)) {
      throw new BitmendError(
        "graph/foreign-tensor",
        `${operation}: expected tensors of one graph, got another graph's.`,
      );
    }
  }
}
