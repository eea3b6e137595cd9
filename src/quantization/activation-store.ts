import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";
import { sharedFloats } from "./layer-parameters.ts";

/** Where activations are kept. */
export interface ActivationStoreOptions {
  /** float32 numbers of each part. */
  readonly sizes: readonly number[];
  /** With more bytes than this they go to a file. */
  readonly memoryBytes: number;
  /** The file; its name is gone as soon as it is open, so that nothing is left of it whatever happens. */
  readonly spillFile: string;
}

/**
 * The parts of an activation, one a batch, in memory or on disk; both give back the same numbers.
 *
 * @throws {BitmendError} `files/...` when the disk is full.
 */
export class ActivationStore implements Disposable {
  readonly #offsets: readonly number[];
  readonly #sizes: readonly number[];
  readonly #parts: Float32Array[] = [];
  readonly #window: Float32Array;
  readonly #path: string;
  /** Bytes that it holds in memory, and on disk. */
  readonly memoryBytes: number;
  readonly diskBytes: number;
  #file: number | null = null;

  constructor({ sizes, memoryBytes, spillFile }: ActivationStoreOptions) {
    let end = 0;
    this.#sizes = sizes;
    this.#path = spillFile;
    this.#offsets = sizes.map((size) => {
      end += size * Float32Array.BYTES_PER_ELEMENT;
      return end - size * Float32Array.BYTES_PER_ELEMENT;
    });
    const inMemory = end <= memoryBytes;
    if (inMemory) this.#parts = sizes.map((size) => sharedFloats([size]).data);
    else this.#file = openUnnamed(spillFile);
    this.memoryBytes = inMemory ? end : 0;
    this.diskBytes = inMemory ? 0 : end;
    this.#window = sharedFloats([inMemory ? 0 : sizes.reduce((most, size) => Math.max(most, size), 0)]).data;
  }

  /** One part, in shared memory; valid until the next call. */
  read(index: number): Float32Array {
    if (this.#file === null) return this.#parts[index]!;
    const part = this.#window.subarray(0, this.#sizes[index]);
    const bytes = bytesOf(part);
    for (let done = 0; done < bytes.length;) {
      const got = readSync(this.#file, bytes, done, bytes.length - done, this.#offsets[index]! + done);
      if (got === 0) {
        throw new BitmendError(
          "files/input-output",
          `ActivationStore: ${this.#path} ended before part ${index}.`,
        );
      }
      done += got;
    }
    return part;
  }

  write(index: number, values: Float32Array): void {
    if (this.#file === null) {
      this.#parts[index]!.set(values);
      return;
    }
    const bytes = bytesOf(values);
    try {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.#file, bytes, done, bytes.length - done, this.#offsets[index]! + done);
      }
    } catch (error) {
      throw fileSystemError(error, "ActivationStore", this.#path);
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    this.#parts.length = 0;
  }
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function openUnnamed(path: string): number {
  try {
    const file = openSync(path, "w+");
    rmSync(path);
    return file;
  } catch (error) {
    throw fileSystemError(error, "ActivationStore", path);
  }
}
