import { existsSync, lstatSync, mkdirSync, rmSync, statfsSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lockDirectory } from "../runs/run-directory.ts";
import { writeFileAtomically } from "../util/atomic-file.ts";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";
import { downloadBlob, type RemoteFile } from "./download-blob.ts";
import { repositoryFolder } from "./hub-cache.ts";
import type { HubSettings } from "./hub-settings.ts";

/** What pulling reports. */
export type PullEvent =
  | { readonly type: "waiting"; readonly reason: string }
  | {
      readonly type: "start";
      readonly commit: string;
      readonly files: number;
      readonly bytes: number;
      readonly alreadyThere: number;
    }
  /** `bytes` counts what was there. */
  | { readonly type: "progress"; readonly bytes: number; readonly file: string };

/** A repository at one commit, and the name by which that was asked for. */
interface SnapshotId {
  readonly kind: "model" | "dataset";
  readonly repository: string;
  readonly revision: string;
  readonly commit: string;
}

/** How files come: the hub's settings, its `fetch`, and when to stop. */
interface FetchOptions {
  readonly settings: HubSettings;
  readonly request: typeof fetch;
  readonly signal: AbortSignal | undefined;
}

/**
 * Fetches files of a repository into the cache: what is missing, each checked, then linked into the snapshot.
 *
 * @yields what comes in, in bytes
 * @throws {BitmendError} `files/disk-full` before the first byte, and those of `downloadBlob()`.
 */
export async function* fetchSnapshot(
  { commit, ...id }: SnapshotId,
  files: readonly RemoteFile[],
  { settings, request, signal }: FetchOptions,
): AsyncGenerator<PullEvent, { readonly bytes: number; readonly fetchedBytes: number }, void> {
  const folder = repositoryFolder(settings.cacheDirectory, id);
  const locks = join(settings.cacheDirectory, ".locks", relative(settings.cacheDirectory, folder));
  makeDirectories([locks, join(folder, "blobs"), join(folder, "refs")]);
  using _ = yield* waitForLock(locks, signal);
  const blobPath = ({ checksum }: RemoteFile): string => join(folder, "blobs", checksum.hex);
  const missing = files.filter((file) => !existsSync(blobPath(file)));
  const bytes = sum(files);
  let there = bytes - sum(missing);
  refuseFullDisk(folder, sum(missing));
  yield { type: "start", commit, files: files.length, bytes, alreadyThere: there };
  for (const file of missing) {
    // One file at a time, so that what a killed call left is one partial file.
    // oxlint-disable-next-line eslint/no-await-in-loop -- see above
    for await (const onDisk of downloadBlob(file, { path: blobPath(file), fetch: request, signal })) {
      yield { type: "progress", bytes: there + onDisk, file: file.name };
    }
    there += file.bytes;
  }
  for (const file of files) link(join(folder, "snapshots", commit, file.name), blobPath(file));
  // Last, so that a reference never names a snapshot that is not whole.
  if (id.revision !== commit) writeReference(join(folder, "refs", id.revision), commit);
  return { bytes, fetchedBytes: sum(missing) };
}

function sum(files: readonly RemoteFile[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}

/**
 * Waits until no other process writes into this repository of the cache.
 *
 * @yields that it waits, once
 */
async function* waitForLock(
  directory: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<PullEvent, Disposable, void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return lockDirectory(directory);
    } catch (error) {
      if (!(error instanceof BitmendError) || error.code !== "runs/locked") throw error;
      if (attempt === 0) yield { type: "waiting", reason: "another process is pulling the same" };
      // oxlint-disable-next-line eslint/no-await-in-loop -- that is what waiting is
      await sleep(200, undefined, signal ? { signal } : {});
    }
  }
}

function makeDirectories(directories: readonly string[]): void {
  for (const directory of directories) {
    try {
      mkdirSync(directory, { recursive: true });
    } catch (error) {
      throw fileSystemError(error, "fetchSnapshot()", directory);
    }
  }
}

function refuseFullDisk(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bytes <= bavail * bsize) return;
  throw new BitmendError(
    "files/disk-full",
    `fetchSnapshot(): expected ${gigabytes(bytes)} free in ${folder}, got ${gigabytes(bavail * bsize)}.`,
    { hint: "Free some space, or set HF_HUB_CACHE to a folder on another disk." },
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** A relative link, so that the cache can be moved; where links are not allowed (Windows), a copy would double the disk: refused by name. */
function link(path: string, blob: string): void {
  makeDirectories([dirname(path)]);
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) rmSync(path);
    symlinkSync(relative(dirname(path), blob), path);
  } catch (error) {
    throw fileSystemError(error, "fetchSnapshot()", path);
  }
}

function writeReference(path: string, commit: string): void {
  makeDirectories([dirname(path)]);
  writeFileAtomically(path, commit);
}
