import { closeSync, openSync, readSync } from "node:fs";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";
import { floatValues } from "./read-float32.ts";
import type { TensorLocation } from "./safetensors.ts";

/**
 * Reads some rows of a float matrix [rows, columns] as float32, in the order asked for: of an embedding table those of the tokens that occur.
 *
 * @throws {BitmendError} `checkpoint/not-float` for an integer tensor; `checkpoint/bad-safetensors` when the file became shorter.
 */
export function readRows(tensor: TensorLocation, rows: readonly number[]): Float32Array {
  const { path, offset, dataType, shape, byteLength } = tensor;
  const rowBytes = byteLength / shape[0]!;
  const bytes = new Uint8Array(rows.length * rowBytes);
  try {
    const file = openSync(path, "r");
    try {
      for (const [index, row] of rows.entries()) {
        const got = readSync(file, bytes, index * rowBytes, rowBytes, offset + row * rowBytes);
        if (got !== rowBytes) {
          throw new BitmendError(
            "checkpoint/bad-safetensors",
            `readRows(): ${path} became shorter while it was read.`,
            { hint: "Do not change checkpoint files while bitmend uses them." },
          );
        }
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw fileSystemError(error, "readRows()", path);
  }
  return floatValues(bytes.buffer, { dataType, path });
}
