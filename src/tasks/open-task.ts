import { BitmendError } from "../util/errors.ts";
import { aime } from "./benchmarks/aime.ts";
import type { Benchmark } from "./benchmarks/benchmark.ts";
import { gpqaDiamond } from "./benchmarks/gpqa-diamond.ts";
import { gsm8k } from "./benchmarks/gsm8k.ts";
import { humaneval } from "./benchmarks/humaneval.ts";
import { livecodebench } from "./benchmarks/livecodebench.ts";
import { math500 } from "./benchmarks/math500.ts";
import { mmluPro } from "./benchmarks/mmlu-pro.ts";
import { mmlu } from "./benchmarks/mmlu.ts";
import { svamp } from "./benchmarks/svamp.ts";
import { fileTask } from "./file-task.ts";
import { pocketTask } from "./pocket/pocket-task.ts";
import type { Task } from "./task.ts";

const filePrefix = "file:";
const benchmarks: readonly Benchmark[] = [
  gsm8k,
  math500,
  aime,
  gpqaDiamond,
  livecodebench,
  mmluPro,
  mmlu,
  humaneval,
  svamp,
];

/** Other names of benchmarks. */
const aliases: Readonly<Record<string, string>> = { aime120: "aime" };

/** A benchmark and what stands after the colon in a task's name. */
export interface NamedBenchmark {
  readonly benchmark: Benchmark;
  readonly settings: string;
}

/**
 * The benchmark that a task's name means; null for the pocket task, a file, or an unknown name.
 *
 * @throws {BitmendError} `tasks/bad-settings` for settings that it does not take.
 */
export function findBenchmark(name: string): NamedBenchmark | null {
  const [first = "", ...rest] = (aliases[name] ?? name).split(":");
  const benchmark = benchmarks.find((each) => each.name === first);
  if (benchmark === undefined) return null;
  const settings = rest.join(":");
  if (settings !== "" && benchmark.settings?.pattern.test(settings) !== true) {
    throw new BitmendError(
      "tasks/bad-settings",
      `findBenchmark(): expected ${benchmark.settings?.help ?? `${first} without settings`}, got ${JSON.stringify(name)}.`,
    );
  }
  return { benchmark, settings };
}

/**
 * Opens a task that needs no data from elsewhere: a built-in one, or `file:PATH` for problems of one's own.
 *
 * @throws {BitmendError} `tasks/unknown` names the tasks there are; `tasks/no-data` for a benchmark;
 * the errors of {@link fileTask}.
 */
export function openTask(name: string): Task {
  if (name.startsWith(filePrefix)) return fileTask(name.slice(filePrefix.length));
  if (name === pocketTask.name) return pocketTask;
  if (findBenchmark(name) !== null) {
    throw new BitmendError(
      "tasks/no-data",
      `openTask(): expected a task that brings its problems, got the benchmark ${name}.`,
      { hint: "Write its problems as JSON Lines and name the file: file:problems.jsonl." },
    );
  }
  const names = [pocketTask, ...benchmarks].map((each) => each.name).join(", ");
  throw new BitmendError(
    "tasks/unknown",
    `openTask(): expected ${names} or file:PATH, got ${JSON.stringify(name)}.`,
    { hint: "For problems of your own write them as JSON Lines and name the file: file:problems.jsonl." },
  );
}
