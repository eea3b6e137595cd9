/**
 * @file The standard cache of Hugging Face tools, read without a network.
 *
 *     models--org--name/refs/<branch or tag>        the commit it stood for when it was last asked for
 *     models--org--name/snapshots/<commit>/<file>   links into
 *     models--org--name/blobs/<etag>                the bytes; the name is the SHA-256 of large files and the git SHA-1 of small ones
 *
 * Source: {@link https://huggingface.co/docs/huggingface_hub/guides/manage-cache | huggingface_hub, cache layout}.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isJsonObject } from "../checkpoint/json-file.ts";
import { chooseFiles } from "./choose-files.ts";
import type { HubId } from "./hub-id.ts";

const COMMIT = /^[0-9a-f]{40}$/u;

/** The folder of a repository in the cache. */
export function repositoryFolder(
  cacheDirectory: string,
  { repository, kind = "model" }: Pick<HubId, "repository"> & { readonly kind?: "model" | "dataset" },
): string {
  return join(cacheDirectory, `${kind}s--${repository.replace("/", "--")}`);
}

/** The path of a file of a data set at one commit; null where the cache does not have it. */
export function cachedDatasetFile(
  cacheDirectory: string,
  {
    repository,
    revision,
    path,
  }: { readonly repository: string; readonly revision: string; readonly path: string },
): string | null {
  const file = join(
    repositoryFolder(cacheDirectory, { repository, kind: "dataset" }),
    "snapshots",
    revision,
    path,
  );
  return isFile(file) ? file : null;
}

/** The model that a cache holds for an id, a directory or a `.gguf` file; null where it is not there, or not whole. */
export function cachedModel(cacheDirectory: string, id: HubId): string | null {
  const folder = repositoryFolder(cacheDirectory, id);
  const commit = COMMIT.test(id.revision) ? id.revision : readReference(folder, id.revision);
  if (commit === null) return null;
  const snapshot = join(folder, "snapshots", commit);
  if (!existsSync(snapshot)) return null;
  const names = readdirSync(snapshot).filter((name) => isFile(join(snapshot, name)));
  const files = chooseFiles(names, id);
  if (files.kind === "none") return null;
  if (files.kind === "gguf") return join(snapshot, files.names[0]!);
  return names.includes("config.json") && hasAllShards(snapshot, names) ? snapshot : null;
}

function readReference(folder: string, revision: string): string | null {
  const path = join(folder, "refs", revision);
  if (!isFile(path)) return null;
  const commit = readFileSync(path, "utf8").trim();
  return COMMIT.test(commit) ? commit : null;
}

/** A snapshot may be half there: another tool took only the tokenizer, or a download was stopped. */
function hasAllShards(snapshot: string, names: readonly string[]): boolean {
  const index = "model.safetensors.index.json";
  if (!names.includes(index)) return names.some((name) => name.endsWith(".safetensors"));
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(snapshot, index), "utf8"));
    const shards = isJsonObject(parsed) && isJsonObject(parsed["weight_map"]) ? parsed["weight_map"] : null;
    return (
      shards !== null &&
      Object.values(shards).every((shard) => typeof shard === "string" && names.includes(shard))
    );
  } catch {
    return false;
  }
}

/** Follows links; a link to bytes that are gone is no file. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
