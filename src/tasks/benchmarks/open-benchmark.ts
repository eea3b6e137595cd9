import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { BitmendError } from "../../util/errors.ts";
import { randomStream } from "../../util/random.ts";
import { checkCount } from "../check-count.ts";
import type { Problem, Split } from "../problem.ts";
import type { Task } from "../task.ts";
import type { Benchmark, BenchmarkFile, KeptRow, ProblemOfRow } from "./benchmark.ts";
import { readRows } from "./read-rows.ts";

/** Where the data of a benchmark lie, and what may be done. */
export interface OpenBenchmarkOptions {
  readonly settings: string;
  /** Path of each file that there is. */
  readonly paths: ReadonlyMap<BenchmarkFile, string>;
  /** Programs of code benchmarks may run although nothing isolates them. */
  readonly unsafeCodeExecution?: boolean | undefined;
}

/** Larger rows stay in their file. */
const keptRowBytes = 2 ** 16;

/**
 * Reads a benchmark's problems.
 *
 * Ids are hashes of questions; a question that is there twice gets a number. A training problem that repeats one of evaluation is left out.
 *
 * @throws {BitmendError} `tasks/malformed` naming a row that is no problem, `tasks/empty`, and those of `readRows()`.
 */
export async function openBenchmark(benchmark: Benchmark, options: OpenBenchmarkOptions): Promise<Task> {
  const { settings, paths, unsafeCodeExecution: unsafe = false } = options;
  const runsPrograms = typeof benchmark.grade !== "function";
  const read = new ProblemReader(benchmark, { settings, keepsRows: runsPrograms });
  // Evaluation first: what is learned from gives way to it.
  const order = ["test", "validation", "train", "examples"];
  for (const file of [...paths.keys()].toSorted((a, b) => order.indexOf(a.split) - order.indexOf(b.split))) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- the order decides
    await read.file(file, paths.get(file)!);
  }
  const { problems, examples } = read;
  if (!problems.some(({ split }) => split === "test")) {
    throw new BitmendError(
      "tasks/empty",
      `openBenchmark(): expected test problems of ${benchmark.name}, got none.`,
      {
        hint: "Check the settings after the colon, and --data.",
      },
    );
  }
  const { name, source, licence, messages, plainPrompt, grade } = benchmark;
  return {
    name: settings === "" ? name : `${name}:${settings}`,
    version: `${benchmark.version}-${contentHash(problems)}`,
    source: `${source} Read from ${[...paths.values()].map((path) => basename(path)).join(", ")}.`,
    licence,
    ...selection(name, problems),
    messages,
    ...(plainPrompt === undefined ? {} : { plainPrompt: plainPrompt(examples) }),
    ...(typeof grade === "function" ? { grade } : grade.runs({ rowOf: ({ id }) => read.row(id), unsafe })),
  };
}

function selection(name: string, all: readonly Problem[]): Pick<Task, "available" | "problems"> {
  const ofSplit = (split: Split): Problem[] => all.filter((problem) => problem.split === split);
  return {
    available: (split) => ofSplit(split).length,
    problems: ({ split, seed, count }) => {
      checkCount("openBenchmark().problems()", count);
      const candidates = ofSplit(split);
      if (candidates.length < count) {
        throw new BitmendError(
          "tasks/exhausted",
          `openBenchmark().problems(): expected ${count} ${split} problems of ${name}, got ${candidates.length}.`,
          { hint: "Ask for fewer (--problems)." },
        );
      }
      return randomStream(seed, "benchmark", name, split).shuffle(candidates).slice(0, count);
    },
  };
}

/** Collects problems over the files of a benchmark. */
class ProblemReader {
  readonly problems: Problem[] = [];
  readonly examples: ProblemOfRow[] = [];
  readonly #rows = new Map<string, KeptRow>();
  readonly #seen = new Map<string, { readonly split: string; count: number }>();
  readonly #benchmark: Benchmark;
  readonly #options: { readonly settings: string; readonly keepsRows: boolean };

  constructor(benchmark: Benchmark, options: { readonly settings: string; readonly keepsRows: boolean }) {
    this.#benchmark = benchmark;
    this.#options = options;
  }

  async file({ split }: BenchmarkFile, path: string): Promise<void> {
    let index = 0;
    for await (const { row, line } of readRows(path)) {
      const problem = this.#problem(row, { index, path });
      index++;
      if (problem === null) continue;
      if (split === "examples") this.examples.push(problem);
      else {
        const kept = line === null || line.bytes <= keptRowBytes ? { row } : { line };
        this.#add({ ...problem, split }, kept);
      }
    }
  }

  row(id: string): unknown {
    const kept = this.#rows.get(id);
    if (kept === undefined)
      throw new BitmendError(
        "tasks/unknown-problem",
        `openBenchmark(): expected a problem of ${this.#benchmark.name}, got ${id}.`,
      );
    if ("row" in kept) return kept.row;
    const { path, start, bytes } = kept.line;
    const buffer = Buffer.alloc(bytes);
    const descriptor = openSync(path, "r");
    try {
      readSync(descriptor, buffer, 0, bytes, start);
    } finally {
      closeSync(descriptor);
    }
    return JSON.parse(buffer.toString("utf8"));
  }

  #problem(row: unknown, { index, path }: { index: number; path: string }): ProblemOfRow | null {
    const { name, problem } = this.#benchmark;
    try {
      return problem(row, { index, settings: this.#options.settings });
    } catch (cause) {
      const found = JSON.stringify(row)?.slice(0, 160) ?? "nothing";
      throw new BitmendError(
        "tasks/malformed",
        `openBenchmark(): expected a problem of ${name} in row ${index + 1} of ${path}, got ${found}.`,
        { hint: "Check that the file belongs to this task.", cause },
      );
    }
  }

  #add(problem: Omit<Problem, "id">, row: KeptRow): void {
    const { question, split } = problem;
    const normalised = question.toLowerCase().replaceAll(/\s+/gu, " ").trim();
    const hash = createHash("sha256").update(normalised).digest("hex").slice(0, 12);
    const seen = this.#seen.get(hash);
    if (seen !== undefined && split === "train") return;
    const count = (seen?.count ?? 0) + 1;
    this.#seen.set(hash, { split, count });
    const id = `${this.#benchmark.name}-${hash}${count === 1 ? "" : `-${count}`}`;
    this.problems.push({ id, ...problem });
    if (this.#options.keepsRows) this.#rows.set(id, row);
  }
}

/** Of ids and answers of what models are measured on. */
function contentHash(problems: readonly Problem[]): string {
  const measured = problems.filter(({ split }) => split !== "train").map(({ id, answer }) => [id, answer]);
  return createHash("sha256").update(JSON.stringify(measured)).digest("hex").slice(0, 12);
}
