/** @file Reads of an ONNX model what tells where its weights lie; nodes are left alone. Field numbers are those of onnx.proto3. */
import { BitmendError } from "../util/errors.ts";
import { bytesPerElement, onnxDataTypes, type DataType } from "./data-type.ts";
import type { ExternalLocation } from "./model.ts";
import { messageOf, packedIntegers, textOf, wireFields, type WireField } from "./wire-reader.ts";

/** Types that weights have. */
const DATA_TYPES = ["f32", "f16", "bf16", "u8"] as const satisfies DataType[];

/** An initializer whose elements lie in another file. */
export interface ExternalTensor {
  readonly dataType: (typeof DATA_TYPES)[number];
  readonly shape: readonly number[];
  /** Of the length that type and shape need. */
  readonly location: ExternalLocation;
}

/** What is read of a model. */
export interface OnnxModelSummary {
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** By name. Initializers inside the message are left out. */
  readonly externalTensors: ReadonlyMap<string, ExternalTensor>;
}

const MAX_RANK = 16;
const dataTypes = new Map(DATA_TYPES.map((dataType) => [BigInt(onnxDataTypes[dataType]), dataType]));

/**
 * Reads a serialized ModelProto.
 *
 * @throws {BitmendError} `onnx/bad-message` when it is none, or when a tensor's type, shape and length contradict each other.
 */
export function readOnnxModel(bytes: Uint8Array): OnnxModelSummary {
  let producer = "";
  const metadata = new Map<string, string>();
  const externalTensors = new Map<string, ExternalTensor>();
  for (const field of wireFields(bytes)) {
    if (field.number === 2) producer = textOf(field);
    else if (field.number === 14) metadata.set(...textEntry(field));
    else if (field.number === 7) readInitializers(messageOf(field), externalTensors);
  }
  return { producer, metadata, externalTensors };
}

function readInitializers(graph: Uint8Array, externalTensors: Map<string, ExternalTensor>): void {
  for (const field of wireFields(graph)) {
    if (field.number !== 5) continue;
    const tensor = readTensor(messageOf(field));
    if (tensor === null) continue;
    const [name, content] = tensor;
    if (externalTensors.has(name)) throw malformed(`"${printable(name)}" once, got it twice`);
    externalTensors.set(name, content);
  }
}

/** Null for a tensor whose elements are inside the message. */
function readTensor(message: Uint8Array): readonly [name: string, content: ExternalTensor] | null {
  const dimensions: bigint[] = [];
  let name = "";
  let typeCode = 0n;
  let isExternal = false;
  const entries = new Map<string, string>();
  for (const field of wireFields(message)) {
    if (field.number === 1) dimensions.push(...integersOf(field));
    else if (field.number === 2) typeCode = integerOf(field);
    else if (field.number === 8) name = textOf(field);
    else if (field.number === 13) entries.set(...textEntry(field));
    else if (field.number === 14) isExternal = integerOf(field) === 1n;
  }
  if (!isExternal) return null;
  const shown = `"${printable(name)}"`;
  const dataType = dataTypes.get(typeCode);
  if (dataType === undefined) throw malformed(`a supported element type of ${shown}, got ${typeCode}`);
  const shape = dimensions.map(Number);
  if (shape.length > MAX_RANK || shape.some((size) => !Number.isSafeInteger(size) || size < 0))
    throw malformed(`a shape of ${shown}, got [${shape.slice(0, MAX_RANK).join(", ")}]`);
  const location = locationOf(entries, shown);
  // A product beyond 2^53 is inexact, but then it is also far beyond any length.
  const needed = shape.reduce((product, size) => product * size, bytesPerElement(dataType));
  if (location.length !== needed)
    throw malformed(`${needed} bytes for ${dataType} [${shape.join(", ")}] ${shown}, got ${location.length}`);
  return [name, { dataType, shape, location }];
}

function locationOf(entries: ReadonlyMap<string, string>, shown: string): ExternalLocation {
  const size = (key: string): number => {
    const text = entries.get(key) ?? "";
    if (/^\d{1,15}$/u.test(text)) return Number(text);
    throw malformed(`a number as ${key} of ${shown}, got "${printable(text)}"`);
  };
  const file = entries.get("location") ?? "";
  return { file, offset: size("offset"), length: size("length") };
}

/** StringStringEntryProto. */
function textEntry(field: WireField): readonly [key: string, value: string] {
  let [key, value] = ["", ""];
  for (const inner of wireFields(messageOf(field))) {
    if (inner.number === 1) key = textOf(inner);
    else if (inner.number === 2) value = textOf(inner);
  }
  return [key, value];
}

/** One integer, or several packed ones. */
function integersOf({ value }: WireField): readonly bigint[] {
  return typeof value === "bigint" ? [value] : packedIntegers(value);
}

function integerOf({ value }: WireField): bigint {
  if (typeof value === "bigint") return value;
  throw malformed("an integer, got bytes");
}

function printable(text: string): string {
  return text.slice(0, 100).replaceAll(/\p{C}/gu, "?");
}

function malformed(expected: string): BitmendError {
  return new BitmendError("onnx/bad-message", `readOnnxModel(): expected ${expected}.`, {
    hint: "The file is damaged; write or download it again.",
  });
}
