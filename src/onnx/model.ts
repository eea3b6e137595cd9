/**
 * @file ONNX messages as bytes: nodes, tensors, value infos, models.
 *
 * Field numbers are those of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3), IR version 10, opset 21.
 */
import { onnxDataTypes, type DataType, type TypedArray } from "./data-type.ts";
import {
  bytesField,
  floatField,
  integerField,
  join,
  message,
  messageField,
  stringField,
  type Encoded,
} from "./wire.ts";

/** Value of an operator attribute; an integer-valued float must be given as `float`. */
export type Attribute =
  | { readonly integer: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly integers: readonly number[] }
  | { readonly floats: readonly number[] };

/** Operators of ONNX itself have the empty domain, ONNX Runtime's contributed operators "com.microsoft". */
export type Domain = "" | "com.microsoft";

/** One operator call. An empty name stands for an omitted optional input or output. */
export interface NodeDescription {
  readonly name: string;
  readonly operator: string;
  readonly domain: Domain;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Where the bytes of an external tensor lie: `file` is relative to the model's folder. */
export interface ExternalLocation {
  readonly file: string;
  /** Bytes from the start of the file; any alignment. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** Type of a graph input or output. A string is the name of a symbolic dimension. */
interface TensorType {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly (number | string)[];
}

/** A tensor with its content. */
export interface TensorContent {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly data: TypedArray | ExternalLocation;
}

/** The parts of a model. */
export interface ModelDescription {
  readonly nodes: readonly NodeDescription[];
  readonly inputs: readonly TensorType[];
  readonly outputs: readonly TensorType[];
  readonly initializers: readonly TensorContent[];
  /** Texts by key, for readers of the file. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const irVersion = 10;
const opset = 21;
const attributeTypes = { float: 1, integer: 2, string: 3, floats: 6, integers: 7 };
const externalDataLocation = 1;

/** Serializes a model as ModelProto. */
export function encodeModel({
  nodes,
  inputs,
  outputs,
  initializers,
  metadata = {},
}: ModelDescription): Uint8Array<ArrayBuffer> {
  const graph = message([
    ...nodes.map((node) => messageField(1, encodeNode(node))),
    stringField(2, "bitmend"),
    ...initializers.map((tensor) => messageField(5, encodeTensor(tensor))),
    ...inputs.map((type) => messageField(11, encodeTensorType(type))),
    ...outputs.map((type) => messageField(12, encodeTensorType(type))),
  ]);
  return join(
    message([
      integerField(1, irVersion),
      stringField(2, "bitmend"),
      messageField(7, graph),
      messageField(8, message([stringField(1, ""), integerField(2, opset)])),
      messageField(8, message([stringField(1, "com.microsoft"), integerField(2, 1)])),
      ...Object.entries(metadata).map(([key, value]) => messageField(14, textEntry(key, value))),
    ]),
  );
}

/**
 * A ModelProto fragment that adds one empty sequence as a graph output.
 *
 * Protobuf merges concatenated messages field by field, so `fragment + model` is the model with that output as its first.
 */
export function encodeEmptySequenceOutput(name: string): Uint8Array<ArrayBuffer> {
  const node: NodeDescription = {
    name,
    operator: "SequenceEmpty",
    domain: "",
    inputs: [],
    outputs: [name],
    attributes: { dtype: { integer: onnxDataTypes.f32 } },
  };
  const elementType = message([messageField(1, integerField(1, onnxDataTypes.f32))]);
  const sequenceType = messageField(4, messageField(1, elementType));
  const output = message([stringField(1, name), messageField(2, sequenceType)]);
  return join(messageField(7, message([messageField(1, encodeNode(node)), messageField(12, output)])));
}

function encodeNode({ name, operator, domain, inputs, outputs, attributes }: NodeDescription): Encoded {
  return message([
    ...inputs.map((input) => stringField(1, input)),
    ...outputs.map((output) => stringField(2, output)),
    stringField(3, name),
    stringField(4, operator),
    ...Object.entries(attributes).map(([key, value]) => messageField(5, encodeAttribute(key, value))),
    ...(domain === "" ? [] : [stringField(7, domain)]),
  ]);
}

function encodeAttribute(name: string, attribute: Attribute): Encoded {
  const named = (type: number, ...fields: Encoded[]): Encoded =>
    message([stringField(1, name), ...fields, integerField(20, type)]);
  if ("integer" in attribute) return named(attributeTypes.integer, integerField(3, attribute.integer));
  if ("float" in attribute) return named(attributeTypes.float, floatField(2, attribute.float));
  if ("string" in attribute) return named(attributeTypes.string, stringField(4, attribute.string));
  if ("floats" in attribute)
    return named(attributeTypes.floats, ...attribute.floats.map((value) => floatField(7, value)));
  return named(attributeTypes.integers, ...attribute.integers.map((value) => integerField(8, value)));
}

function encodeTensorType({ name, dataType, shape }: TensorType): Encoded {
  const dimensions = shape.map((dimension) =>
    messageField(1, typeof dimension === "string" ? stringField(2, dimension) : integerField(1, dimension)),
  );
  const tensorType = message([
    integerField(1, onnxDataTypes[dataType]),
    messageField(2, message(dimensions)),
  ]);
  return message([stringField(1, name), messageField(2, messageField(1, tensorType))]);
}

function encodeTensor({ name, dataType, shape, data }: TensorContent): Encoded {
  const head = [
    ...shape.map((dimension) => integerField(1, dimension)),
    integerField(2, onnxDataTypes[dataType]),
    stringField(8, name),
  ];
  if (ArrayBuffer.isView(data)) {
    return message([...head, bytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))]);
  }
  return message([
    ...head,
    externalDataEntry("location", data.file),
    externalDataEntry("offset", String(data.offset)),
    externalDataEntry("length", String(data.length)),
    integerField(14, externalDataLocation),
  ]);
}

function externalDataEntry(key: string, value: string): Encoded {
  return messageField(13, textEntry(key, value));
}

/** StringStringEntryProto. */
function textEntry(key: string, value: string): Encoded {
  return message([stringField(1, key), stringField(2, value)]);
}
