import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename } from "node:path";
import type { ExternalLocation } from "../../onnx/index.ts";
import { fileSystemError } from "../../util/file-system-error.ts";

/** So that every kernel reads aligned vectors, and large tensors can be mapped by whole pages. */
const SMALL_ALIGNMENT = 64;
const PAGE = 4096;
const LARGE_TENSOR = 2 ** 20;

/** A file of tensors that is written from front to back and appears under its name when it is finished. */
export class DataFile implements Disposable {
  readonly #path: string;
  readonly #descriptor: number;
  #end = 0;
  #isOpen = true;

  /** @throws {BitmendError} `files/...` when it cannot be written; so do the other methods. */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = this.#explained(() => openSync(this.#partial, "w"));
  }

  /** Appends the elements of one tensor, little-endian, and says where they lie. */
  append(data: ArrayBufferView): ExternalLocation {
    const alignment = data.byteLength >= LARGE_TENSOR ? PAGE : SMALL_ALIGNMENT;
    const offset = Math.ceil(this.#end / alignment) * alignment;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    // What is skipped reads as zeros.
    for (let written = 0; written < bytes.length;) {
      written += this.#explained(() =>
        writeSync(this.#descriptor, bytes, written, bytes.length - written, offset + written),
      );
    }
    this.#end = offset + bytes.length;
    return { file: basename(this.#path), offset, length: bytes.length };
  }

  /** Gives the file its name; `isDurable` when a crash of the machine must not take it. Default: true. */
  finish({ isDurable = true }: { readonly isDurable?: boolean } = {}): void {
    if (isDurable) this.#explained(() => fsyncSync(this.#descriptor));
    this.#close();
    this.#explained(() => renameSync(this.#partial, this.#path));
  }

  /** Removes what was written, unless it is finished. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#close();
    rmSync(this.#partial, { force: true });
  }

  get #partial(): string {
    return `${this.#path}.partial`;
  }

  #close(): void {
    this.#isOpen = false;
    closeSync(this.#descriptor);
  }

  #explained<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw fileSystemError(error, "writeOnnxModel()", this.#path);
    }
  }
}
