import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pullDataset } from "../hub/pull-dataset.ts";
import type { BenchmarkFile, DatasetFile } from "../tasks/benchmarks/benchmark.ts";
import { openBenchmark } from "../tasks/benchmarks/open-benchmark.ts";
import { findBenchmark, type NamedBenchmark, openTask } from "../tasks/open-task.ts";
import type { Task } from "../tasks/task.ts";
import { BitmendError } from "../util/errors.ts";
import type { VerbRun } from "./events.ts";
import { drawPullEvents } from "./pull.ts";

export interface TaskDataOptions {
  /** A file of test problems, or a directory with the files of a benchmark. Default: the hub's cache, else the hub. */
  readonly data?: string | undefined;
  /** Programs of code benchmarks run although nothing isolates them. */
  readonly unsafeCodeExecution?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a task; a benchmark's data are read from `data`, else from the hub's cache, else fetched.
 *
 * @yields Progress of the fetching.
 * @throws {BitmendError} `verbs/no-data` naming the files that are missing, and those of `openTask()`, `openBenchmark()` and `pullDataset()`.
 */
export async function* openTaskWithData(name: string, options: TaskDataOptions = {}): VerbRun<Task> {
  const { data, unsafeCodeExecution, signal } = options;
  const found = findBenchmark(name);
  if (found === null) return openTask(name);
  const paths = data === undefined ? yield* hubPaths(found, signal) : givenPaths(found, data);
  return openBenchmark(found.benchmark, { settings: found.settings, paths, unsafeCodeExecution });
}

type Paths = ReadonlyMap<BenchmarkFile, string>;

/**
 * Files of the cache, fetched where they are missing.
 *
 * @yields Progress of the fetching.
 */
async function* hubPaths(
  { benchmark, settings }: NamedBenchmark,
  signal: AbortSignal | undefined,
): VerbRun<Paths> {
  const files = benchmark.files(settings);
  const withoutHub = files.filter(({ dataset, optional }) => dataset === null && optional !== true);
  if (withoutHub.length > 0) throw missing(benchmark.name, withoutHub, "the hub");
  const paths = new Map<BenchmarkFile, string>();
  const onHub = files.flatMap((file) => (file.dataset === null ? [] : [{ file, dataset: file.dataset }]));
  const bySet = Map.groupBy(onHub, ({ dataset }) => `${dataset.repository}@${dataset.revision}`);
  for (const group of bySet.values()) {
    const { repository, revision }: DatasetFile = group[0]!.dataset;
    const wanted = new Map(group.map(({ dataset }) => [dataset.path, dataset.sha256]));
    // oxlint-disable-next-line eslint/no-await-in-loop -- one after another
    const pulled = yield* drawPullEvents(
      repository,
      pullDataset({ repository, revision, files: wanted }, { signal }),
    );
    for (const { file, dataset } of group) paths.set(file, pulled.get(dataset.path)!);
  }
  return paths;
}

/** Files in a directory, or the one file that is named. */
function givenPaths({ benchmark, settings }: NamedBenchmark, data: string): Paths {
  const files = benchmark.files(settings);
  const status = statSync(data, { throwIfNoEntry: false });
  if (status?.isFile() === true)
    return new Map([[files.find(({ split }) => split === "test")!, resolve(data)]]);
  const paths = new Map<BenchmarkFile, string>();
  for (const file of files) {
    const path = candidates(file)
      .map((name) => join(data, name))
      .find((each) => existsSync(each));
    if (path !== undefined) paths.set(file, resolve(path));
  }
  const absent = files.filter((file) => file.optional !== true && !paths.has(file));
  if (absent.length > 0) throw missing(benchmark.name, absent, data);
  return paths;
}

function candidates({ dataset, localPaths }: BenchmarkFile): string[] {
  if (dataset === null) return [...localPaths];
  const { repository, path } = dataset;
  return [...localPaths, path, join(repository.split("/")[1]!, path), join(repository, path)];
}

function missing(name: string, files: readonly BenchmarkFile[], where: string): BitmendError {
  const listed = files.map((file) => candidates(file).join(" or ")).join("; ");
  return new BitmendError(
    "verbs/no-data",
    `openTaskWithData(): expected the data of ${name} in ${where}: ${listed}.`,
    {
      hint: "Name the file, or a directory that has it, with --data.",
    },
  );
}
