/**
 * @file The header of a safetensors file, parsed and checked before anything is allocated for it.
 *
 * The rules are those of the reference implementation (huggingface/safetensors, `safetensors/src/tensor.rs`): 8 bytes of header
 * length, at most 100 MB of JSON that starts with "{", tensors that follow each other without hole or overlap and end where the
 * file ends, byte lengths that agree with shape and type.
 */
import { BitmendError } from "../util/errors.ts";
import { BYTES_PER_ELEMENT, type StoredDataType, type TensorLocation } from "./tensor-location.ts";

/** The same limit as the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;
const MAX_RANK = 16;

export interface SafetensorsHeader {
  readonly path: string;
  /** Absolute byte offset of the first tensor. */
  readonly dataOffset: number;
  readonly tensors: ReadonlyMap<string, TensorLocation>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The length of the JSON header that the first 8 bytes announce.
 *
 * @throws {BitmendError} `checkpoint/bad-safetensors` when it cannot be true for a file of `fileBytes` bytes.
 */
export function headerLength(
  prefix: Uint8Array,
  { path, fileBytes }: { path: string; fileBytes: number },
): number {
  if (prefix.length < 8)
    throw malformed(path, `at least 8 bytes of header length, got ${prefix.length} bytes`);
  const announced = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (announced > BigInt(MAX_HEADER_BYTES)) {
    throw malformed(
      path,
      `a header of at most ${MAX_HEADER_BYTES} bytes, got a header length of ${announced}`,
    );
  }
  const length = Number(announced);
  if (length + 8 > fileBytes) {
    throw malformed(
      path,
      `a header inside the file, got a header length of ${length} in a file of ${fileBytes} bytes`,
    );
  }
  return length;
}

/**
 * Parses the JSON header of a file of `fileBytes` bytes.
 *
 * @throws {BitmendError} `checkpoint/bad-safetensors` lists what is wrong with the entries.
 */
export function parseSafetensorsHeader(
  header: Uint8Array,
  { path, fileBytes }: { path: string; fileBytes: number },
): SafetensorsHeader {
  const dataOffset = 8 + header.length;
  const tensors = new Map<string, TensorLocation>();
  const offences: string[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(parseObject(header, path))) {
    if (name === "__metadata__") {
      if (isStringRecord(entry)) metadata = entry;
      else offences.push("__metadata__ is not an object of strings");
      continue;
    }
    const location = parseEntry(entry, { path, dataOffset });
    if (typeof location === "string") offences.push(`tensor "${printable(name)}" ${location}`);
    else tensors.set(name, location);
  }
  if (offences.length === 0) offences.push(...layoutOffences(tensors, { dataOffset, fileBytes }));
  if (offences.length > 0) throw malformed(path, `a sound header, but ${listed(offences)}`);
  return { path, dataOffset, tensors, metadata };
}

function parseObject(header: Uint8Array, path: string): Record<string, unknown> {
  if (header[0] !== 0x7b) throw malformed(path, 'a header that starts with "{"');
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf8", { fatal: true }).decode(header));
  } catch (cause) {
    throw malformed(path, "a header of UTF-8 JSON", cause);
  }
  if (!isRecord(parsed)) throw malformed(path, "a header that is a JSON object");
  return parsed;
}

/** Returns the location, or what is wrong with the entry. */
function parseEntry(entry: unknown, file: { path: string; dataOffset: number }): TensorLocation | string {
  if (!isRecord(entry)) return "is not an object";
  const { dtype, shape, data_offsets: offsets, ...rest } = entry;
  if (Object.keys(rest).length > 0) return `has the unknown key "${printable(Object.keys(rest)[0] ?? "")}"`;
  if (!isStoredDataType(dtype))
    return `has the unsupported dtype ${printable(JSON.stringify(dtype) ?? "none")}`;
  if (!isSizes(shape) || shape.length > MAX_RANK) return "has a shape that is not a short list of sizes";
  if (!isSizes(offsets) || offsets.length !== 2) return "has data_offsets that are not two offsets";
  const [begin, end] = [offsets[0]!, offsets[1]!];
  const byteLength = end - begin;
  // A product beyond 2^53 is inexact, but then it is also far beyond any end - begin of two safe integers.
  const expected = shape.reduce((product, size) => product * size, BYTES_PER_ELEMENT[dtype]);
  if (byteLength !== expected) {
    return `has ${byteLength} bytes where ${dtype} [${shape.join(", ")}] needs ${expected}`;
  }
  return { path: file.path, dataType: dtype, shape, offset: file.dataOffset + begin, byteLength };
}

/** Tensors must tile the rest of the file: no hole, no overlap, nothing left over. */
function layoutOffences(
  tensors: ReadonlyMap<string, TensorLocation>,
  { dataOffset, fileBytes }: { dataOffset: number; fileBytes: number },
): string[] {
  const ordered = [...tensors].toSorted(
    ([, left], [, right]) => left.offset - right.offset || left.byteLength - right.byteLength,
  );
  let end = dataOffset;
  for (const [name, { offset, byteLength }] of ordered) {
    if (offset !== end) {
      const what = offset < end ? "overlaps the tensor before it" : "leaves a hole before it";
      return [`tensor "${printable(name)}" ${what} (starts at byte ${offset}, expected ${end})`];
    }
    end += byteLength;
  }
  if (end === fileBytes) return [];
  return [
    end > fileBytes
      ? `the file is cut off: its tensors end at byte ${end}, the file at ${fileBytes}`
      : `the file has ${fileBytes - end} bytes after its last tensor`,
  ];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStringRecord(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((item) => typeof item === "string");
}

function isStoredDataType(value: unknown): value is StoredDataType {
  return typeof value === "string" && Object.hasOwn(BYTES_PER_ELEMENT, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** Names come from an untrusted file: cut, and without control characters. */
function printable(text: string): string {
  return text.slice(0, 100).replaceAll(/\p{C}/gu, "?");
}

function listed(offences: readonly string[]): string {
  const shown = offences.slice(0, 20).join("; ");
  return offences.length > 20 ? `${shown}; and ${offences.length - 20} more` : shown;
}

function malformed(path: string, expected: string, cause?: unknown): BitmendError {
  return new BitmendError(
    "checkpoint/bad-safetensors",
    `readSafetensorsHeader(): ${path}: expected ${expected}.`,
    {
      hint: "The file is damaged or not a safetensors file; download or write it again.",
      cause,
    },
  );
}
