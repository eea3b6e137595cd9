/**
 * @file Where a run leaves its records: `<root>/<name>/<UTC time>-<identity>/`.
 *
 * The identity is a hash of everything that decides the result, so that the same command continues an unfinished run and never mixes two.
 */
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";

/** An open run directory; closing it releases the lock. */
export interface RunDirectory extends Disposable {
  readonly path: string;
  /** True when an unfinished run of the same identity was found. */
  readonly resumed: boolean;
}

export interface RunDirectoryRequest {
  /** Directory of all runs. */
  readonly root: string;
  readonly name: string;
  /** Everything that decides the result; hashed. */
  readonly identity: unknown;
  /** Start a new run even if an unfinished one exists. */
  readonly fresh?: boolean;
}

/**
 * Continues the latest unfinished run of the same identity, or creates a new one, and locks it for this process.
 *
 * @throws {BitmendError} `runs/not-writable` or `files/...` before any work, `runs/locked` when another live process works in it.
 */
export function openRunDirectory({ root, name, identity, fresh = false }: RunDirectoryRequest): RunDirectory {
  const parent = join(root, name);
  createWritable(parent);
  const suffix = createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 8);
  const unfinished = readdirSync(parent)
    .filter((entry) => entry.endsWith(`-${suffix}`) && !existsSync(join(parent, entry, "summary.json")))
    .toSorted()
    .at(-1);
  const resumed = unfinished !== undefined && !fresh;
  const path = join(parent, resumed ? unfinished : newEntry(parent, suffix));
  try {
    mkdirSync(path, { recursive: true });
    const lock = lockDirectory(path);
    return { path, resumed, [Symbol.dispose]: () => lock[Symbol.dispose]() };
  } catch (error) {
    if (!resumed) removeEmpty(path);
    throw fileSystemError(error, "openRunDirectory()", path);
  }
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // It was never made.
  }
}

function createWritable(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
  } catch (cause) {
    throw new BitmendError(
      "runs/not-writable",
      `openRunDirectory(): expected a writable directory, got ${directory}.`,
      {
        hint: "Choose another with --runs DIRECTORY, or change its permissions.",
        cause,
      },
    );
  }
}

/** A name that is not taken, also when two runs begin in the same millisecond. */
function newEntry(parent: string, suffix: string): string {
  for (let timeMs = Date.now(); ; timeMs++) {
    const entry = `${compactUtc(new Date(timeMs))}-${suffix}`;
    if (!existsSync(join(parent, entry))) return entry;
  }
}

/** 2026-11-22T01:30:00.123Z → 20261122T013000123Z, which sorts by time and is a legal file name everywhere. */
function compactUtc(date: Date): string {
  return date.toISOString().replaceAll(/[-:.]/g, "");
}

/**
 * Locks a directory for this process; a lock whose owner was killed is taken over.
 *
 * @throws {BitmendError} `runs/locked` when another live process works in it, `files/...` when it cannot be written.
 */
export function lockDirectory(directory: string): Disposable & { readonly directory: string } {
  const path = join(directory, "lock");
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      return { directory, [Symbol.dispose]: () => rmSync(path, { force: true }) };
    } catch (error) {
      const isTaken = error instanceof Error && "code" in error && error.code === "EEXIST";
      if (isTaken) refuseLiveOwner(path);
      // Its owner was killed, so the lock says nothing any more; or it could not be written, and then it says nothing either.
      rmSync(path, { force: true });
      if (!isTaken) throw fileSystemError(error, "lockDirectory()", path);
    }
  }
}

function refuseLiveOwner(path: string): void {
  const owner = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
  if (owner === process.pid || !isAlive(owner)) return;
  throw new BitmendError(
    "runs/locked",
    `lockDirectory(): process ${owner} is working in this directory (${path}).`,
    {
      hint: "Wait for it or stop it, or choose another directory (`bitmend run`: --fresh); if that process is no bitmend, delete the lock.",
    },
  );
}

function isAlive(processId: number): boolean {
  if (!Number.isInteger(processId) || processId <= 0) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}
