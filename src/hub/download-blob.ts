import { createHash, type Hash } from "node:crypto";
import { createReadStream, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";

/** One file of a repository at one commit. */
export interface RemoteFile {
  readonly name: string;
  readonly url: string;
  readonly bytes: number;
  /** What the bytes must hash to, and the name of the blob in the cache. */
  readonly checksum: { readonly kind: "sha256" | "git-sha1"; readonly hex: string };
}

/** What the hub says of a file in its list of a repository. */
interface ListedFile {
  readonly path: string;
  readonly size: number;
  readonly oid?: string | undefined;
  readonly lfs?: { readonly oid: string; readonly size: number } | undefined;
}

/** A listed file below `base`; null where the hub gives no usable size or hash. */
export function remoteFile({ path, size, oid, lfs }: ListedFile, base: string): RemoteFile | null {
  const hex = lfs?.oid ?? oid ?? "";
  const bytes = lfs?.size ?? size;
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/u.test(hex) || !Number.isSafeInteger(bytes) || bytes < 0) return null;
  const url = `${base}/${path.split("/").map(encodeURIComponent).join("/")}`;
  return { name: path, url, bytes, checksum: { kind: lfs === undefined ? "git-sha1" : "sha256", hex } };
}

/** Times that a connection may break without a byte having come since. */
const FRUITLESS_ATTEMPTS = 5;

/**
 * Fetches the bytes of `file` into `path`, going on where an earlier attempt was stopped.
 *
 * The file has its name only when it is whole and its checksum right; until then it is `<path>.bitmend.incomplete`, apart from the partial
 * files of other tools.
 *
 * @yields Bytes on disk, often.
 * @throws {BitmendError} `hub/wrong-bytes` when size or checksum are not those the hub announced; `files/...`; those of `hubFetch()`.
 */
export async function* downloadBlob(
  file: RemoteFile,
  { path, fetch: request, signal }: { path: string; fetch: typeof fetch; signal?: AbortSignal | undefined },
): AsyncGenerator<number, void, void> {
  const partial = `${path}.bitmend.incomplete`;
  let fruitless = 0;
  for (;;) {
    const before = sizeOf(partial);
    if (before > file.bytes) rmSync(partial);
    try {
      if (before < file.bytes || file.bytes === 0) yield* appendRest(file, { partial, request, signal });
      break;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof BitmendError) throw error;
      fruitless = sizeOf(partial) > before ? 0 : fruitless + 1;
      if (fruitless === FRUITLESS_ATTEMPTS) throw brokenOff(file, error);
    }
  }
  const found = await hashOf(partial, file);
  if (found !== file.checksum.hex) {
    rmSync(partial, { force: true });
    throw new BitmendError(
      "hub/wrong-bytes",
      `downloadBlob(): expected ${file.name} with ${file.checksum.kind} ${file.checksum.hex}, got ${found}.`,
      { hint: "The partial file was deleted; try again." },
    );
  }
  renameSync(partial, path);
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/**
 * One request for what is missing.
 *
 * @yields Bytes on disk.
 */
async function* appendRest(
  file: RemoteFile,
  { partial, request, signal }: { partial: string; request: typeof fetch; signal: AbortSignal | undefined },
): AsyncGenerator<number, void, void> {
  const start = sizeOf(partial);
  const headers = { "Accept-Encoding": "identity", ...(start > 0 && { Range: `bytes=${start}-` }) };
  const answer = await request(file.url, { headers });
  const continues =
    answer.status === 206 && answer.headers.get("Content-Range")?.startsWith(`bytes ${start}-`);
  let bytes = continues ? start : 0;
  const handle = await openOrExplain(partial, continues ? "a" : "w");
  try {
    for await (const chunk of answer.body ?? []) {
      signal?.throwIfAborted();
      bytes += chunk.length;
      // A server that sends more than it announced must not fill the disk.
      if (bytes > file.bytes) throw wrongSize(file, `more than ${file.bytes}`);
      try {
        await handle.write(chunk);
      } catch (error) {
        throw fileSystemError(error, "downloadBlob()", partial);
      }
      yield bytes;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (bytes < file.bytes) throw new Error(`the connection ended after ${bytes} of ${file.bytes} bytes`);
}

async function openOrExplain(path: string, flags: "a" | "w"): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (error) {
    throw fileSystemError(error, "downloadBlob()", path);
  }
}

async function hashOf(path: string, { bytes, checksum }: RemoteFile): Promise<string> {
  const hash: Hash = createHash(checksum.kind === "sha256" ? "sha256" : "sha1");
  // What git hashes of a file.
  if (checksum.kind === "git-sha1") hash.update(`blob ${bytes}\0`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stream without an encoding gives buffers
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

function wrongSize({ name, bytes }: RemoteFile, got: string): BitmendError {
  return new BitmendError(
    "hub/wrong-bytes",
    `downloadBlob(): expected ${name} with ${bytes} bytes, got ${got}.`,
    { hint: "Try again; if it stays, the hub or a proxy is damaged." },
  );
}

function brokenOff({ name }: RemoteFile, cause: unknown): BitmendError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BitmendError(
    "hub/broken-off",
    `downloadBlob(): the download of ${name} keeps breaking off (${reason}).`,
    {
      hint: "Run it again: it goes on where it was.",
      cause,
    },
  );
}
