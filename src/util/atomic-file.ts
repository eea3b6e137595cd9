import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Writes a whole file so that a reader, or a crash, sees the old content or the new, never a part (`*.partial`, fsync, rename). */
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
    rmSync(partial, { force: true });
    throw error;
  }
}
