/** @file Reading and writing safetensors files ({@link https://github.com/huggingface/safetensors}). */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { BitmendError } from "../util/errors.ts";
import { collectGarbage } from "../util/collect-garbage.ts";
import { fileSystemError } from "../util/file-system-error.ts";
import { headerLength, parseSafetensorsHeader, type SafetensorsHeader } from "./safetensors-header.ts";
import { BYTES_PER_ELEMENT, type StoredDataType, type TensorLocation } from "./tensor-location.ts";

export type { SafetensorsHeader } from "./safetensors-header.ts";
export type { TensorLocation } from "./tensor-location.ts";

/** One tensor to write; `data` may be a function, called when its turn comes, so that only one tensor is in memory at a time. */
export interface TensorToWrite {
  readonly name: string;
  readonly dataType: StoredDataType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | (() => Uint8Array);
}

/**
 * Reads and checks the header of the file at `path`; no tensor is read.
 *
 * @throws {BitmendError} `checkpoint/bad-safetensors`, or `files/...` when the file cannot be read.
 */
export function readSafetensorsHeader(path: string): SafetensorsHeader {
  return withFile(path, (descriptor) => {
    const fileBytes = fstatSync(descriptor).size;
    const prefix = readExactly(descriptor, { path, offset: 0, byteLength: Math.min(8, fileBytes) });
    const length = headerLength(prefix, { path, fileBytes });
    return parseSafetensorsHeader(readExactly(descriptor, { path, offset: 8, byteLength: length }), {
      path,
      fileBytes,
    });
  });
}

/** Reads the bytes of one tensor into memory of its own (aligned for every element type). */
export function readTensorBytes(tensor: TensorLocation): Uint8Array<ArrayBuffer> {
  return withFile(tensor.path, (descriptor) => {
    const { size } = fstatSync(descriptor);
    if (tensor.offset + tensor.byteLength > size) throw changed(tensor.path);
    return readExactly(descriptor, tensor);
  });
}

/**
 * Writes a whole file: header padded to a multiple of 8 bytes, then the tensors, widest element type first and by name within,
 * so that every tensor is aligned and equal tensors give equal bytes. Readers see the old file or the new one, never a part.
 *
 * @throws {BitmendError} `checkpoint/bad-tensor` lists names that occur twice and data that does not fit its shape;
 * `files/disk-full`, `files/no-permission`... when it cannot be written, and then nothing is left behind.
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const ordered = [...tensors].toSorted(
    (left, right) =>
      BYTES_PER_ELEMENT[right.dataType] - BYTES_PER_ELEMENT[left.dataType] ||
      compareNames(left.name, right.name),
  );
  refuseBadTensors(ordered);
  const partial = `${path}.partial`;
  try {
    const descriptor = openSync(partial, "w");
    try {
      writeAll(descriptor, encodeHeader(ordered, metadata));
      for (const tensor of ordered) {
        writeTensor(descriptor, tensor);
        // An embedding table and a head are a gigabyte each, and only one of them may be in memory.
        if (byteLengthOf(tensor) >= largeTensorBytes) collectGarbage();
      }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw fileSystemError(error, "writeSafetensors()", path);
  }
}

const largeTensorBytes = 2 ** 26;

function encodeHeader(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  let end = 0;
  for (const tensor of tensors) {
    const begin = end;
    end += byteLengthOf(tensor);
    entries.push([tensor.name, { dtype: tensor.dataType, shape: tensor.shape, data_offsets: [begin, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20, 8 + json.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}

function refuseBadTensors(tensors: readonly TensorToWrite[]): void {
  const offences: string[] = [];
  const seen = new Set<string>();
  for (const tensor of tensors) {
    if (tensor.name === "__metadata__" || seen.has(tensor.name))
      offences.push(`the name "${tensor.name}" twice`);
    seen.add(tensor.name);
    if (typeof tensor.data !== "function" && tensor.data.length !== byteLengthOf(tensor)) {
      offences.push(mismatch(tensor, tensor.data.length));
    }
  }
  if (offences.length > 0) throw badTensor(offences.join("; "));
}

function dataOf(tensor: TensorToWrite): Uint8Array {
  const data = typeof tensor.data === "function" ? tensor.data() : tensor.data;
  if (data.length !== byteLengthOf(tensor)) throw badTensor(mismatch(tensor, data.length));
  return data;
}

function byteLengthOf({ dataType, shape }: TensorToWrite): number {
  return shape.reduce((product, size) => product * size, BYTES_PER_ELEMENT[dataType]);
}

function mismatch(tensor: TensorToWrite, got: number): string {
  return `"${tensor.name}": ${got} bytes for ${tensor.dataType} [${tensor.shape.join(", ")}]`;
}

function badTensor(offences: string): BitmendError {
  return new BitmendError(
    "checkpoint/bad-tensor",
    `writeSafetensors(): expected unique names and data of the size of its shape, got ${offences}.`,
  );
}

/** Code unit order: the same on every machine, whatever its locale. */
function compareNames(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** A function of its own: what it held is let go when it returns, and not while its caller collects garbage. */
function writeTensor(descriptor: number, tensor: TensorToWrite): void {
  writeAll(descriptor, dataOf(tensor));
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    written += writeSync(descriptor, bytes, written, bytes.length - written);
  }
}

function readExactly(
  descriptor: number,
  { path, offset, byteLength }: { path: string; offset: number; byteLength: number },
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength);
  for (let filled = 0; filled < byteLength;) {
    const got = readSync(descriptor, bytes, filled, Math.min(byteLength - filled, 2 ** 30), offset + filled);
    if (got === 0) throw changed(path);
    filled += got;
  }
  return bytes;
}

function withFile<Result>(path: string, use: (descriptor: number) => Result): Result {
  try {
    // Opening a pipe would wait for a writer for ever.
    if (!statSync(path).isFile()) {
      throw new BitmendError(
        "files/not-a-file",
        `readSafetensorsHeader(): expected ${path} to be a regular file.`,
      );
    }
    const descriptor = openSync(path, "r");
    try {
      return use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw fileSystemError(error, "readSafetensorsHeader()", path);
  }
}

function changed(path: string): BitmendError {
  return new BitmendError(
    "checkpoint/bad-safetensors",
    `readTensorBytes(): ${path} became shorter while it was read.`,
    {
      hint: "Do not change checkpoint files while bitmend uses them.",
    },
  );
}
