import { existsSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { readJsonObject } from "../checkpoint/json-file.ts";
import { makeDirectory, writeOrExplain } from "../checkpoint/model-directory.ts";
import { lockDirectory } from "../runs/run-directory.ts";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";
import { differences } from "./differences.ts";

/** A directory that one verb writes a model into; closing it releases the lock. */
export interface ClaimedOutput extends Disposable {
  readonly directory: string;
  /** Folder in it for how the model came about: settings, texts, training curve. */
  readonly records: string;
  /** True when an earlier call of the same settings began it. */
  readonly resumed: boolean;
}

/**
 * Claims the directory of a verb's result, before any work, and remembers the settings: the same call continues, another is refused.
 *
 * @throws {BitmendError} `verbs/output-is-source`, `verbs/directory-not-empty`, `verbs/other-settings` naming the differences,
 * `runs/locked`, and `files/...` when it cannot be written.
 */
export function claimOutput(
  output: string,
  {
    settings,
    sources,
  }: { readonly settings: Readonly<Record<string, unknown>>; readonly sources: readonly string[] },
): ClaimedOutput {
  const directory = resolve(output);
  const records = join(directory, "records");
  refuseSources(directory, sources);
  const path = join(records, "settings.json");
  const resumed = existsSync(path);
  if (resumed) refuseOtherSettings(directory, readJsonObject(path), settings);
  else refuseForeignFiles(directory);
  makeDirectory(records);
  // Written even if it is there: a directory that cannot be written is found out now.
  writeOrExplain(path, `${JSON.stringify(settings, null, 1)}\n`);
  const lock = lockDirectory(records);
  return { directory, records, resumed, [Symbol.dispose]: () => lock[Symbol.dispose]() };
}

function refuseSources(directory: string, sources: readonly string[]): void {
  const target = realPath(directory);
  const inside = sources.find((source) => `${target}${sep}`.startsWith(`${realPath(source)}${sep}`));
  if (inside === undefined) return;
  throw new BitmendError(
    "verbs/output-is-source",
    `claimOutput(): expected an output directory outside ${inside}, got ${directory}.`,
    { hint: "Choose another directory." },
  );
}

/** The path without symbolic links, also where its last parts do not exist yet. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(realPath(parent), basename(path));
}

function refuseOtherSettings(directory: string, recorded: unknown, settings: unknown): void {
  const differing = differences(recorded, JSON.parse(JSON.stringify(settings)));
  if (differing.length === 0) return;
  throw new BitmendError(
    "verbs/other-settings",
    `claimOutput(): expected the settings that ${directory} was begun with, but ${differing.slice(0, 8).join("; ")}.`,
    { hint: "Choose another directory, or delete this one." },
  );
}

function refuseForeignFiles(directory: string): void {
  if (!existsSync(directory)) return;
  let files: string[];
  try {
    files = readdirSync(directory).filter((name) => name !== "records");
  } catch (error) {
    throw fileSystemError(error, "claimOutput()", directory);
  }
  if (files.length === 0) return;
  throw new BitmendError(
    "verbs/directory-not-empty",
    `claimOutput(): expected an empty or new directory, got ${directory} with ${files.slice(0, 5).join(", ")}.`,
    { hint: "Choose another directory, or empty this one." },
  );
}
