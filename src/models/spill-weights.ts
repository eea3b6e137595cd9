import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { consume } from "../util/consume.ts";
import { fileSystemError } from "../util/file-system-error.ts";
import { storedSource, type ModelSource } from "./model-source.ts";
import { DataFile } from "./onnx-model/data-file.ts";
import { storeWeights } from "./onnx-model/store-weights.ts";

/** Weights in a file of their own, until it is disposed of. */
export interface SpilledWeights extends Disposable {
  readonly source: ModelSource;
}

/**
 * Writes the weights of a model to a temporary file (`TMPDIR`) in the layout of their operators, one in memory at a time.
 *
 * The message of a model is limited to 2 GiB and kept in memory; the engine maps a file, of any size, where it lies.
 *
 * @throws {BitmendError} `files/disk-full`... and those of reading the weights; then nothing is left behind.
 */
export async function spillWeights(checkpoint: Checkpoint): Promise<SpilledWeights> {
  const folder = temporaryFolder();
  try {
    using file = new DataFile(join(folder, "weights"));
    const stored = await consume(storeWeights(checkpoint, file));
    file.finish({ isDurable: false });
    return {
      source: storedSource({ config: checkpoint.config, folder, stored }),
      [Symbol.dispose]: () => remove(folder),
    };
  } catch (error) {
    remove(folder);
    throw error;
  }
}

function temporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "bitmend-weights-"));
  } catch (error) {
    throw fileSystemError(error, "spillWeights()", tmpdir());
  }
}

/** Some systems keep files that are mapped; theirs stay until the system cleans up. */
function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Nothing more can be done here.
  }
}
