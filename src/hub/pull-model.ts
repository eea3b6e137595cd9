import { existsSync, lstatSync, mkdirSync, rmSync, statfsSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lockDirectory } from "../runs/run-directory.ts";
import { writeFileAtomically } from "../util/atomic-file.ts";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";
import { chooseFiles } from "./choose-files.ts";
import { downloadBlob, type RemoteFile } from "./download-blob.ts";
import { cachedModel, repositoryFolder } from "./hub-cache.ts";
import { hubFetch } from "./hub-fetch.ts";
import type { HubId } from "./hub-id.ts";
import { hubSettings, type HubSettings } from "./hub-settings.ts";

/** What {@link pullModel} reports. */
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

/** What {@link pullModel} fetched. */
export interface PulledModel {
  /** A directory, or a `.gguf` file in it. */
  readonly path: string;
  readonly commit: string;
  readonly files: number;
  readonly bytes: number;
  /** Of `bytes`, those that came over the network now. */
  readonly fetchedBytes: number;
}

/** Settings besides the id. */
export interface PullOptions {
  /** Default: those of the environment. */
  readonly settings?: HubSettings;
  readonly signal?: AbortSignal | undefined;
  /** See `hubFetch()`. */
  readonly firstPauseMs?: number;
}

/**
 * Fetches the files of a model from the Hugging Face hub into the cache that all Hugging Face tools share.
 *
 * Killed and called again it goes on in the middle of a file; two processes take turns. Every file is checked against the hash that the
 * hub has of it before it gets its name.
 *
 * @yields what comes in, in bytes
 * @throws {BitmendError} `hub/offline`, `hub/no-weights`, `hub/unsafe-name`, `files/disk-full` before the first byte, and those of
 * `chooseFiles()`, `hubFetch()` and `downloadBlob()`.
 */
export async function* pullModel(
  id: HubId,
  { settings = hubSettings(), signal, firstPauseMs }: PullOptions = {},
): AsyncGenerator<PullEvent, PulledModel, void> {
  if (settings.offline) throw offline(id);
  const named = { id: `${id.repository}@${id.revision}`, signal, ...settings };
  const request = hubFetch({ ...named, ...(firstPauseMs === undefined ? {} : { firstPauseMs }) });
  const { commit, files } = await listFiles(id, { settings, request });
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
  const path = cachedModel(settings.cacheDirectory, { ...id, revision: commit });
  if (path === null) throw noWeights(id);
  return { path, commit, files: files.length, bytes, fetchedBytes: sum(missing) };
}

function sum(files: readonly RemoteFile[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}

async function listFiles(
  id: HubId,
  { settings, request }: { settings: HubSettings; request: typeof fetch },
): Promise<{ commit: string; files: RemoteFile[] }> {
  // Loaded here: every verb would pay for it, and most models are on the disk.
  const hub = await import("@huggingface/hub");
  const { repository: name, revision } = id;
  const from = { hubUrl: settings.endpoint, fetch: request };
  const { sha: commit } = await hub.modelInfo({ ...from, name, revision, additionalFields: ["sha"] });
  if (typeof commit !== "string" || !/^[0-9a-f]{40}$/u.test(commit)) throw malformed(id, "no commit");
  const entries = new Map<string, RemoteFile>();
  for await (const entry of hub.listFiles({ ...from, repo: { type: "model", name }, revision: commit })) {
    // What lies in folders are other forms of the model.
    if (entry.type !== "file" || entry.path.includes("/")) continue;
    if (!/^(?!\.)[\w .()+-]{1,255}$/u.test(entry.path)) throw unsafeName(id, entry.path);
    if (entries.size >= 10_000) throw malformed(id, "more than 10,000 files");
    const hex = entry.lfs?.oid ?? entry.oid ?? "";
    const kind = entry.lfs === undefined ? "git-sha1" : "sha256";
    const bytes = entry.lfs?.size ?? entry.size;
    if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/u.test(hex) || !Number.isSafeInteger(bytes) || bytes < 0) {
      throw malformed(id, `${entry.path} without a size or a hash`);
    }
    const url = `${settings.endpoint}/${name}/resolve/${commit}/${encodeURIComponent(entry.path)}`;
    entries.set(entry.path, { name: entry.path, url, bytes, checksum: { kind, hex } });
  }
  const { names } = chooseFiles([...entries.keys()], id);
  if (names.length === 0) throw noWeights(id);
  return { commit, files: names.map((chosen) => entries.get(chosen)!) };
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
      if (attempt === 0) yield { type: "waiting", reason: "another process is pulling this model" };
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
      throw fileSystemError(error, "pullModel()", directory);
    }
  }
}

function refuseFullDisk(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bytes <= bavail * bsize) return;
  throw new BitmendError(
    "files/disk-full",
    `pullModel(): expected ${gigabytes(bytes)} free in ${folder}, got ${gigabytes(bavail * bsize)}.`,
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
    throw fileSystemError(error, "pullModel()", path);
  }
}

function writeReference(path: string, commit: string): void {
  makeDirectories([dirname(path)]);
  writeFileAtomically(path, commit);
}

function offline({ repository, revision }: HubId): BitmendError {
  return new BitmendError(
    "hub/offline",
    `pullModel(): expected ${repository}@${revision} in the cache, since HF_HUB_OFFLINE is set, but it is not there whole.`,
    { hint: "Unset HF_HUB_OFFLINE to fetch it." },
  );
}

function noWeights({ repository, revision }: HubId): BitmendError {
  return new BitmendError(
    "hub/no-weights",
    `pullModel(): expected safetensors with a config.json, or a GGUF file, in ${repository}@${revision}, got neither.`,
    { hint: "Look for a copy of the model in safetensors." },
  );
}

function unsafeName({ repository }: HubId, name: string): BitmendError {
  return new BitmendError(
    "hub/unsafe-name",
    `pullModel(): expected plain file names in ${repository}, got ${JSON.stringify(name).slice(0, 120)}.`,
    { hint: "Do not use this repository." },
  );
}

function malformed({ repository }: HubId, what: string): BitmendError {
  return new BitmendError(
    "hub/malformed",
    `pullModel(): expected the hub's list of files of ${repository}, got ${what}.`,
    {
      hint: "Check HF_ENDPOINT.",
    },
  );
}
