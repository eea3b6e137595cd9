import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileSystemError } from "./file-system-error.ts";

/**
 * Writes a whole file so that a reader, or a crash, sees the old content or the new, never a part (`*.partial`, fsync, rename).
 *
 * @throws {BitmendError} `files/disk-full`, `files/read-only`, `files/no-permission`...; nothing half-written is left behind.
 */
export function writeFileAtomically(path: string, content: string | Uint8Array): void {
  const partial = `${path}.partial`;
  try {
    const descriptor = openSync(partial, "w");
    try {
      writeFileSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, path);
  } catch (error) {
    removeQuietly(partial);
    throw fileSystemError(error, "writeFileAtomically()", path);
  }
}

/** What made the write fail may keep the part from being removed too; the first failure is the one to report. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Nothing more can be done here.
  }
}
