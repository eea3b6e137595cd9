import { closeSync, openSync, readSync } from "node:fs";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";
import type { TensorLocation } from "./tensor-location.ts";

/** A multiple of every element's size. */
const chunkBytes = 2 ** 23;

/**
 * Reads the bytes of a tensor piece by piece into the same memory, so that a tensor of any size costs little.
 *
 * @yields up to 8 MiB, valid until the next: whole elements at the beginning of a buffer of whole eight bytes
 * @throws {BitmendError} `checkpoint/bad-safetensors` when the file became shorter; `files/...`.
 */
export function* tensorChunks({
  path,
  offset,
  byteLength,
}: TensorLocation): Generator<Uint8Array<ArrayBuffer>> {
  const chunk = new Uint8Array(Math.min(chunkBytes, Math.ceil(byteLength / 8) * 8));
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    throw fileSystemError(error, "tensorChunks()", path);
  }
  try {
    for (let start = 0; start < byteLength; start += chunkBytes) {
      const wanted = Math.min(chunkBytes, byteLength - start);
      for (let filled = 0; filled < wanted;) {
        const got = readSync(file, chunk, filled, wanted - filled, offset + start + filled);
        if (got === 0) throw shortened(path);
        filled += got;
      }
      yield chunk.subarray(0, wanted);
    }
  } finally {
    closeSync(file);
  }
}

function shortened(path: string): BitmendError {
  return new BitmendError(
    "checkpoint/bad-safetensors",
    `tensorChunks(): ${path} became shorter while it was read.`,
    {
      hint: "Do not change checkpoint files while bitmend uses them.",
    },
  );
}
