/**
 * @file The head of a GGUF file, version 2 or 3: metadata and where the tensors lie, parsed and checked before anything is allocated for it.
 *
 * Layout: {@link https://github.com/ggml-org/ggml/blob/master/docs/gguf.md}. As in ggml, tensors follow each other in the order of their
 * entries, each at the next multiple of the alignment.
 */
import { closeSync, fstatSync, openSync } from "node:fs";
import { BitmendError } from "../../../util/errors.ts";
import { fileSystemError } from "../../../util/file-system-error.ts";
import { ByteCursor } from "./byte-cursor.ts";
import { VALUE_TYPES, type GgufMetadata, type GgufValue } from "./metadata.ts";
import { byteLengthOf, tensorTypeOfId, type TensorType } from "./tensor-types.ts";

/** Where the blocks of one tensor lie. */
export interface GgufTensor {
  readonly name: string;
  readonly type: TensorType;
  /** [rows, columns] or [elements]: the reverse of the order in the file. */
  readonly shape: readonly number[];
  /** Absolute byte offset in the file. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface GgufHeader {
  readonly path: string;
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const MAGIC = 0x46_55_47_47;
const DEFAULT_ALIGNMENT = 32;
/** Largest alignment that is believed; files use 32. */
const MAX_ALIGNMENT = 65_536;
const MAX_KEY_BYTES = 65_535;
const MAX_STRING_BYTES = 16_000_000;
const MAX_ARRAY_ELEMENTS = 16_000_000;
const MAX_ARRAY_DEPTH = 2;
const MAX_RANK = 4;
/** Shorter than these no pair and no entry can be. */
const LEAST_PAIR_BYTES = 13;
const LEAST_ENTRY_BYTES = 32;

/**
 * Reads the head of the file at `path`; no tensor is read.
 *
 * @throws {BitmendError} `checkpoint/bad-gguf` says what is wrong with the file, `checkpoint/unsupported-gguf` names tensor types that are
 * not read, `files/...` when the file cannot be read.
 */
export function readGgufHeader(path: string): GgufHeader {
  try {
    const descriptor = openSync(path, "r");
    try {
      const status = fstatSync(descriptor);
      if (!status.isFile()) throw badGguf(path, "a regular file");
      return parseHeader(new ByteCursor(descriptor, { path, fileBytes: status.size }), path);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw fileSystemError(error, "openGguf()", path);
  }
}

function parseHeader(cursor: ByteCursor, path: string): GgufHeader {
  if (cursor.u32() !== MAGIC) throw badGguf(path, 'a file that starts with "GGUF"');
  const version = cursor.u32();
  if (version !== 2 && version !== 3) throw badGguf(path, `version 2 or 3, little-endian, got ${version}`);
  const tensorCount = cursor.count(LEAST_ENTRY_BYTES, "tensors");
  const pairCount = cursor.count(LEAST_PAIR_BYTES, "metadata pairs");
  const metadata = new Map<string, GgufValue>();
  for (let pair = 0; pair < pairCount; pair++) {
    const key = cursor.string(MAX_KEY_BYTES);
    if (metadata.has(key)) throw badGguf(path, `each key once, got ${printable(key)} twice`);
    metadata.set(key, readValue(cursor, { type: cursor.u32(), key, depth: 0 }));
  }
  const alignment = readAlignment(metadata, path);
  const entries: Entry[] = [];
  for (let entry = 0; entry < tensorCount; entry++) entries.push(readEntry(cursor));
  const dataOffset = Math.ceil(cursor.position / alignment) * alignment;
  return { path, metadata, tensors: locate(entries, { cursor, dataOffset, alignment }) };
}

function readAlignment(metadata: GgufMetadata, path: string): number {
  const alignment = metadata.get("general.alignment") ?? DEFAULT_ALIGNMENT;
  const isSound =
    typeof alignment === "number" &&
    Number.isInteger(alignment) &&
    alignment >= 8 &&
    alignment <= MAX_ALIGNMENT &&
    alignment % 8 === 0;
  if (isSound) return alignment;
  throw badGguf(path, `general.alignment to be a multiple of 8 up to ${MAX_ALIGNMENT}`);
}

function readValue(
  cursor: ByteCursor,
  { type, key, depth }: { type: number; key: string; depth: number },
): GgufValue {
  switch (type) {
    case VALUE_TYPES.u8:
      return cursor.number("getUint8", 1);
    case VALUE_TYPES.i8:
      return cursor.number("getInt8", 1);
    case VALUE_TYPES.u16:
      return cursor.number("getUint16", 2);
    case VALUE_TYPES.i16:
      return cursor.number("getInt16", 2);
    case VALUE_TYPES.u32:
      return cursor.u32();
    case VALUE_TYPES.i32:
      return cursor.number("getInt32", 4);
    case VALUE_TYPES.f32:
      return cursor.number("getFloat32", 4);
    case VALUE_TYPES.f64:
      return cursor.number("getFloat64", 8);
    case VALUE_TYPES.u64:
      return cursor.number("getBigUint64", 8);
    case VALUE_TYPES.i64:
      return cursor.number("getBigInt64", 8);
    case VALUE_TYPES.bool:
      return cursor.number("getUint8", 1) !== 0;
    case VALUE_TYPES.string:
      return cursor.string(MAX_STRING_BYTES);
    case VALUE_TYPES.array:
      return readArray(cursor, { key, depth: depth + 1 });
    default:
      throw badGguf(cursor.path, `a known value type of ${printable(key)}, got ${type}`);
  }
}

const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  [VALUE_TYPES.u8]: 1,
  [VALUE_TYPES.i8]: 1,
  [VALUE_TYPES.u16]: 2,
  [VALUE_TYPES.i16]: 2,
  [VALUE_TYPES.bool]: 1,
  [VALUE_TYPES.string]: 8,
  [VALUE_TYPES.array]: 12,
  [VALUE_TYPES.u64]: 8,
  [VALUE_TYPES.i64]: 8,
  [VALUE_TYPES.f64]: 8,
};

function readArray(cursor: ByteCursor, { key, depth }: { key: string; depth: number }): GgufValue[] {
  if (depth > MAX_ARRAY_DEPTH)
    throw badGguf(cursor.path, `flat values, got arrays inside arrays in ${printable(key)}`);
  const type = cursor.u32();
  const length = cursor.count(ELEMENT_BYTES[type] ?? 4, `elements of ${printable(key)}`);
  if (length > MAX_ARRAY_ELEMENTS) {
    throw badGguf(cursor.path, `at most ${MAX_ARRAY_ELEMENTS} elements in ${printable(key)}, got ${length}`);
  }
  const values: GgufValue[] = [];
  for (let index = 0; index < length; index++) values.push(readValue(cursor, { type, key, depth }));
  return values;
}

interface Entry {
  readonly name: string;
  /** As in the file: the fastest dimension first. */
  readonly dimensions: readonly number[];
  readonly typeId: number;
  readonly offset: number;
}

function readEntry(cursor: ByteCursor): Entry {
  const name = cursor.string(MAX_KEY_BYTES);
  const rank = cursor.u32();
  if (rank < 1 || rank > MAX_RANK)
    throw badGguf(cursor.path, `1 to ${MAX_RANK} dimensions of ${printable(name)}, got ${rank}`);
  const dimensions = Array.from({ length: rank }, () => cursor.number("getBigUint64", 8));
  return { name, dimensions, typeId: cursor.u32(), offset: cursor.number("getBigUint64", 8) };
}

function locate(
  entries: readonly Entry[],
  { cursor, dataOffset, alignment }: { cursor: ByteCursor; dataOffset: number; alignment: number },
): Map<string, GgufTensor> {
  const { path, fileBytes } = cursor;
  const unsupported = entries.filter(({ typeId }) => tensorTypeOfId(typeId) === undefined);
  if (unsupported.length > 0) throw unsupportedTypes(path, unsupported);
  const tensors = new Map<string, GgufTensor>();
  let expectedOffset = 0;
  for (const { name, dimensions, typeId, offset } of entries) {
    const type = tensorTypeOfId(typeId)!;
    const shown = `tensor "${printable(name)}"`;
    if (tensors.has(name)) throw badGguf(path, `each tensor once, got ${shown} twice`);
    // A product beyond 2^53 is inexact, but then it is also far beyond any file.
    const elements = dimensions.reduce((product, size) => product * size, 1);
    const isWhole = dimensions.every((size) => Number.isSafeInteger(size) && size >= 1);
    if (!isWhole || dimensions[0]! % type.blockElements !== 0) {
      throw badGguf(
        path,
        `${shown} to have rows of whole ${type.name} blocks, got dimensions ${dimensions.join(" x ")}`,
      );
    }
    const byteLength = byteLengthOf(type, elements);
    if (offset !== expectedOffset) throw badGguf(path, `${shown} at offset ${expectedOffset}, got ${offset}`);
    if (dataOffset + offset + byteLength > fileBytes) {
      throw badGguf(
        path,
        `${shown} inside the file, but it ends at byte ${dataOffset + offset + byteLength} of ${fileBytes}`,
      );
    }
    tensors.set(name, {
      name,
      type,
      shape: dimensions.toReversed(),
      offset: dataOffset + offset,
      byteLength,
    });
    expectedOffset += Math.ceil(byteLength / alignment) * alignment;
  }
  return tensors;
}

function unsupportedTypes(path: string, entries: readonly Entry[]): BitmendError {
  const shown = entries.slice(0, 10).map(({ name, typeId }) => `${printable(name)} (type ${typeId})`);
  const more = entries.length > 10 ? ` and ${entries.length - 10} more` : "";
  return new BitmendError(
    "checkpoint/unsupported-gguf",
    `openGguf(): ${path}: expected tensor types that are read, got ${shown.join(", ")}${more}.`,
    { hint: "Take a quantization of the types Q2_0 to Q8_0, Q2_K to Q6_K, IQ4_NL, TQ2_0, F16, BF16 or F32." },
  );
}

/** Names come from an untrusted file: cut, and without control characters. */
function printable(text: string): string {
  return text.slice(0, 100).replaceAll(/\p{C}/gu, "?");
}

function badGguf(path: string, expected: string): BitmendError {
  return new BitmendError("checkpoint/bad-gguf", `openGguf(): ${path}: expected ${expected}.`, {
    hint: "The file is damaged or not a GGUF file; download or write it again.",
  });
}
