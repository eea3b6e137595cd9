/** @file Parquet as pyarrow writes it, in the shapes and compressions of the hub's data sets, to the problems of a task. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { gsm8k } from "../../src/tasks/benchmarks/gsm8k.ts";
import { mmlu } from "../../src/tasks/benchmarks/mmlu.ts";
import { mmluPro } from "../../src/tasks/benchmarks/mmlu-pro.ts";
import { readRows } from "../../src/tasks/benchmarks/read-rows.ts";
import type { Benchmark } from "../../src/tasks/benchmarks/benchmark.ts";
import type { Task } from "../../src/tasks/task.ts";
import { consume } from "../../src/util/consume.ts";
import { openTaskWithData } from "../../src/verbs/task-data.ts";
import { startMockHub } from "../mock-hub.ts";

const directory = join(import.meta.dirname, "parquet");
const { rows: golden } = z
  .object({ rows: z.record(z.string(), z.array(z.unknown())) })
  .parse(JSON.parse(readFileSync(join(directory, "parquet.json"), "utf8")));
const bytesOf = (name: string): Buffer => readFileSync(join(directory, `${name}.parquet`));

async function rowsOf(path: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { row } of readRows(path)) rows.push(row);
  return rows;
}

const work = mkdtempSync(join(tmpdir(), "bitmend-parquet-"));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(work, { recursive: true, force: true });
});

test.each(Object.keys(golden))("%s.parquet has the rows that pyarrow reads from it", async (name) => {
  expect(await rowsOf(join(directory, `${name}.parquet`))).toEqual(golden[name]);
});

test("a damaged file is refused or read, never a crash: every fifth byte in turn", async () => {
  const bytes = bytesOf("mmlu-zstd");
  const path = join(mkdtempSync(join(tmpdir(), "bitmend-damaged-")), "damaged.parquet");
  for (let at = 0; at < bytes.length; at += 5) {
    writeFileSync(
      path,
      bytes.map((byte, index) => (index === at ? 255 - byte : byte)),
    );
    // oxlint-disable-next-line eslint/no-await-in-loop -- one file
    const code = await rowsOf(path).then(
      () => "read",
      (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
    );
    expect(["read", "tasks/malformed", "tasks/too-large"]).toContain(code);
  }
  rmSync(join(path, ".."), { recursive: true });
});

/** The task as it comes from a hub that serves these files at the pinned commit. */
async function fromHub(benchmark: Benchmark, sources: readonly string[]): Promise<Task> {
  const datasets = benchmark.files("").map(({ dataset }) => dataset!);
  const { repository: id, revision: commit } = datasets[0]!;
  const files = new Map(datasets.map(({ path }, index) => [path, bytesOf(sources[index]!)]));
  await using hub = await startMockHub({ id, commit, files });
  for (const [name, value] of Object.entries({ HF_ENDPOINT: hub.endpoint, HF_HOME: work, HF_TOKEN: "" }))
    vi.stubEnv(name, value);
  vi.stubEnv("HF_HUB_OFFLINE", "0");
  const task = await consume(openTaskWithData(benchmark.name), () => {});
  expect(hub.requests.some((request) => request.includes(`/api/datasets/${id}/`))).toBe(true);
  return task;
}

describe("from the hub, as a data set at its pinned commit", () => {
  test("gsm8k: numbers without commas, solutions without a calculator's notes", async () => {
    const task = await fromHub(gsm8k, ["gsm8k", "gsm8k"]);
    const problems = task.problems({ split: "test", seed: 1, count: 2 });
    const ana = problems.find(({ question }) => question.startsWith("Ana"))!;
    expect(ana).toMatchObject({
      answer: "1012",
      solution: "3 * 4 = 12 shells.\n12 + 1,000 = 1,012.\n\\boxed{1012}",
    });
    expect(problems.map(({ answer }) => answer).toSorted()).toEqual(["10", "1012"]);
    // What is measured is not learned from.
    expect(task.available("train")).toBe(0);
    const verdict = await task.grade(ana, { text: "So it is \\boxed{1,012}.", finish: "stop" });
    expect(verdict).toMatchObject({ verdict: "correct" });
  });

  test("mmlu: lists of choices, 64-bit answers, examples of the subject", async () => {
    const task = await fromHub(mmlu, ["mmlu", "mmlu"]);
    const problems = task.problems({ split: "test", seed: 1, count: 3 });
    const floats = problems.find(({ question }) => question.startsWith("Who"))!;
    expect(floats).toMatchObject({ answer: "C", subject: "anatomy" });
    expect(floats.question).toContain('D) iron, "wet"');
    const shown = task.plainPrompt!.text(problems.find(({ subject }) => subject === "abstract_algebra")!);
    expect(shown.match(/Answer: [A-D]/gu)).toEqual(["Answer: B", "Answer: D"]);
  });

  test("mmlu-pro: several row groups, columns without a value", async () => {
    const task = await fromHub(mmluPro, ["mmlu-pro", "mmlu-pro"]);
    expect(task.available("test")).toBe(12);
    expect(new Set(task.problems({ split: "test", seed: 1, count: 12 }).map(({ answer }) => answer))).toEqual(
      new Set(["A"]),
    );
  });

  test("a file of another shape is refused with the row, 64-bit integers in it", async () => {
    await expect(fromHub(gsm8k, ["mmlu", "mmlu"])).rejects.toThrow(
      expect.objectContaining({ code: "tasks/malformed", message: expect.stringContaining('"answer":1') }),
    );
  });
});
