import { existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { BitmendError } from "../util/errors.ts";
import { isJsonObject, readJsonObject } from "./json-file.ts";
import { readSafetensorsHeader, type TensorLocation } from "./safetensors.ts";

export const SINGLE_FILE = "model.safetensors";
export const INDEX_FILE = "model.safetensors.index.json";

/**
 * Finds every tensor of a model directory: in `model.safetensors`, or in the shards of `model.safetensors.index.json`.
 *
 * @throws {BitmendError} `checkpoint/no-weights`, `checkpoint/missing-shards` (all of them listed), `checkpoint/bad-index`
 * (tensors that are not where the index says), `checkpoint/bad-safetensors`, or `files/...`.
 */
export function locateTensors(directory: string): Map<string, TensorLocation> {
  const indexPath = join(directory, INDEX_FILE);
  // transformers prefers the single file as well.
  if (existsSync(join(directory, SINGLE_FILE))) {
    return new Map(readSafetensorsHeader(join(directory, SINGLE_FILE)).tensors);
  }
  if (existsSync(indexPath)) return locateInShards(directory, readWeightMap(indexPath));
  throw new BitmendError(
    "checkpoint/no-weights",
    `locateTensors(): expected ${SINGLE_FILE} or ${INDEX_FILE} in ${directory}, got neither.`,
    {
      hint:
        existsSync(directory) && statSync(directory).isDirectory()
          ? "Only safetensors weights are read; convert others first."
          : "The directory does not exist; check the path.",
    },
  );
}

/** Tensor name to shard file name. */
function readWeightMap(path: string): Map<string, string> {
  const weightMap = readJsonObject(path)["weight_map"];
  if (!isJsonObject(weightMap)) throw badIndex(path, "an object weight_map");
  const files = new Map<string, string>();
  const offences: string[] = [];
  for (const [name, file] of Object.entries(weightMap)) {
    if (typeof file === "string" && isShardName(file)) files.set(name, file);
    else offences.push(`${printable(name)}: ${printable(JSON.stringify(file))}`);
  }
  if (offences.length > 0) throw badIndex(path, `plain .safetensors file names, but ${listed(offences)}`);
  if (files.size === 0) throw badIndex(path, "at least one tensor");
  return files;
}

/** A shard lies beside its index: no path may lead out of the directory. */
function isShardName(file: string): boolean {
  return (
    file.length <= 255 && file.endsWith(".safetensors") && basename(file) === file && !/[\\\0]/u.test(file)
  );
}

function locateInShards(directory: string, files: ReadonlyMap<string, string>): Map<string, TensorLocation> {
  const shards = [...new Set(files.values())].toSorted();
  const missing = shards.filter((shard) => !existsSync(join(directory, shard)));
  if (missing.length > 0) {
    throw new BitmendError(
      "checkpoint/missing-shards",
      `locateTensors(): expected ${shards.length} shards in ${directory}, but missing are ${missing.map(printable).join(", ")}.`,
      { hint: "Download the missing files into the same directory." },
    );
  }
  const headers = new Map(
    shards.map((shard) => [shard, readSafetensorsHeader(join(directory, shard)).tensors]),
  );
  const located = new Map<string, TensorLocation>();
  const offences: string[] = [];
  for (const [name, file] of files) {
    const location = headers.get(file)?.get(name);
    if (location === undefined) offences.push(`${printable(name)} is not in ${printable(file)}`);
    else located.set(name, location);
  }
  for (const [shard, tensors] of headers) {
    const unlisted = [...tensors.keys()].filter((name) => files.get(name) !== shard);
    offences.push(...unlisted.map((name) => `${printable(name)} in ${printable(shard)} is not in the index`));
  }
  if (offences.length > 0)
    throw badIndex(join(directory, INDEX_FILE), `its shards to agree, but ${listed(offences)}`);
  return located;
}

function badIndex(path: string, expected: string): BitmendError {
  return new BitmendError("checkpoint/bad-index", `locateTensors(): ${path}: expected ${expected}.`, {
    hint: "The index does not belong to these shards; download them together.",
  });
}

function printable(text: string): string {
  return text.slice(0, 100).replaceAll(/\p{C}/gu, "?");
}

function listed(offences: readonly string[]): string {
  const shown = offences.slice(0, 20).join("; ");
  return offences.length > 20 ? `${shown}; and ${offences.length - 20} more` : shown;
}
