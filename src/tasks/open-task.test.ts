import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { BitmendError } from "../util/errors.ts";
import { openTask } from "./open-task.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-task-"));
afterAll(() => rmSync(directory, { recursive: true }));

function taskOf(...lines: readonly (string | object)[]) {
  const path = join(directory, "problems.jsonl");
  writeFileSync(
    path,
    lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
  );
  return openTask(`file:${path}`);
}

function errorOf(action: () => unknown): BitmendError {
  try {
    action();
  } catch (error) {
    if (error instanceof BitmendError) return error;
  }
  throw new Error("errorOf(): expected a BitmendError.");
}

test("pocket: problems as chat messages", () => {
  const task = openTask("pocket");
  const [problem] = task.problems({ split: "test", seed: 1, count: 1 });
  expect(task.messages(problem!)).toEqual([{ role: "user", content: problem!.question }]);
  expect(problem?.solution).toContain(`#### ${problem?.answer}`);
});

test("an unknown task names the known ones", () => {
  const { code, message } = errorOf(() => openTask("poket"));
  expect(code).toBe("tasks/unknown");
  expect(message).toMatchInlineSnapshot(
    `"openTask(): expected pocket, gsm8k, math500, aime, gpqa-diamond, livecodebench, mmlu-pro, mmlu, humaneval, svamp or file:PATH, got "poket". For problems of your own write them as JSON Lines and name the file: file:problems.jsonl."`,
  );
});

test("a file of one's own: order by seed, the first k of n, splits apart, answers as text", () => {
  const questions = Array.from({ length: 20 }, (_, index) => ({
    question: `What is ${index} + 1?`,
    answer: index + 1,
  }));
  const task = taskOf(
    ...questions,
    { question: "Learn this", answer: "1", solution: "#### 1", split: "train" },
    "",
  );
  expect(task.available("test")).toBe(20);
  expect(task.available("train")).toBe(1);
  const all = task.problems({ split: "test", seed: 1, count: 20 });
  expect(task.problems({ split: "test", seed: 1, count: 7 })).toEqual(all.slice(0, 7));
  expect(task.problems({ split: "test", seed: 2, count: 20 })).not.toEqual(all);
  expect(new Set(all.map(({ id }) => id)).size).toBe(20);
  expect(all.every(({ answer }) => typeof answer === "string")).toBe(true);
  expect(task.problems({ split: "train", seed: 1, count: 1 })[0]).toMatchObject({
    solution: "#### 1",
    answer: "1",
  });
});

test("lines that are no problems are named, all at once", () => {
  const { code, message } = errorOf(() =>
    taskOf("{", { question: "x" }, { question: "y", answer: "1", anwser: "2" }, { question: "z", answer: 3 }),
  );
  expect(code).toBe("tasks/malformed");
  expect(message).toMatch(/line 1 \(not JSON\), line 2 \(answer: .*\), line 3 \(.*anwser.*\)/);
  expect(errorOf(() => taskOf("")).code).toBe("tasks/malformed");
});

test("a question both learned from and measured on is refused", () => {
  const { code, message } = errorOf(() =>
    taskOf(
      { question: "What  is 1 + 1?", answer: 2 },
      { question: "what is 1 + 1?", answer: 2, split: "train" },
    ),
  );
  expect(code).toBe("tasks/duplicate");
  expect(message).toContain("line 2 (as line 1)");
});

test("too few problems and a missing file are refused", () => {
  const task = taskOf({ question: "x", answer: 1 });
  expect(errorOf(() => task.problems({ split: "test", seed: 1, count: 2 })).code).toBe("tasks/exhausted");
  expect(errorOf(() => task.problems({ split: "test", seed: 1, count: Number.NaN })).code).toBe(
    "tasks/bad-options",
  );
  expect(errorOf(() => openTask("file:/does/not/exist.jsonl")).code).toBe("files/not-found");
});
