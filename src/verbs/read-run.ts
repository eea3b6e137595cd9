/** @file Runs to be compared, whoever measured them: what a path on the command line holds. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { readHarnessLog, taskName } from "../evaluation/logs/harness-log.ts";
import { readInspectLog } from "../evaluation/logs/inspect-log.ts";
import type { SampledRun } from "../evaluation/sampled-run.ts";
import { BitmendError } from "../util/errors.ts";
import { readSampledRuns } from "./sampled-runs.ts";

/** The runs that a path holds: several only where bitmend measured several variants in one directory. */
export interface ReadRuns {
  readonly runs: readonly SampledRun[];
  readonly remarks: readonly string[];
}

/**
 * Reads a directory of bitmend, samples of lm-evaluation-harness (a file or the directory it wrote), or a log of Inspect.
 *
 * @throws {BitmendError} `verbs/no-records` where there is none of them; what the readers throw.
 */
export function readRun(path: string, { metric }: { readonly metric?: string | undefined } = {}): ReadRuns {
  if (!existsSync(path)) throw noRecords(path, "nothing");
  if (statSync(path).isDirectory()) {
    if (existsSync(join(path, "recipe.json"))) return readSampledRuns(resolve(path));
    const { files, superseded } = samplesIn(path);
    if (files.length === 0) throw noRecords(path, "a directory without recipe.json and samples_*.jsonl");
    const { run, remarks } = readHarnessLog(files, { name: basename(resolve(path)), metric });
    const older =
      superseded === 0 ? [] : [`${path}: ${superseded} older files of the same tasks are left out.`];
    return { runs: [run], remarks: [...older, ...remarks] };
  }
  if (path.endsWith(".jsonl")) {
    const { run, remarks } = readHarnessLog([path], { name: basename(dirname(resolve(path))), metric });
    return { runs: [run], remarks };
  }
  if (path.endsWith(".json") || path.endsWith(".eval")) {
    const { run, remarks } = readInspectLog(path, { metric });
    return { runs: [run], remarks };
  }
  throw noRecords(path, "a file of another kind");
}

/** Newest file of every task, here or one directory below, where the harness writes it. */
function samplesIn(directory: string): { files: string[]; superseded: number } {
  const below = readdirSync(directory, { withFileTypes: true });
  const places = [
    directory,
    ...below.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name)),
  ];
  const all = places.flatMap((place) =>
    readdirSync(place)
      .filter((name) => name.startsWith("samples_") && name.endsWith(".jsonl"))
      .map((name) => join(place, name)),
  );
  const byTask = Map.groupBy(
    all.toSorted((left, right) => (basename(left) < basename(right) ? -1 : 1)),
    taskName,
  );
  const files = [...byTask.values()].map((versions) => versions.at(-1)!);
  return { files, superseded: all.length - files.length };
}

function noRecords(path: string, got: string): BitmendError {
  return new BitmendError("verbs/no-records", `readRun(): expected measurements in ${path}, got ${got}.`, {
    hint: "Name a directory of bitmend, samples_*.jsonl of lm-evaluation-harness, or a .json or .eval log of Inspect.",
  });
}
