import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Split } from "../../src/tasks/problem.ts";
import type { Task } from "../../src/tasks/task.ts";
import { consume } from "../../src/util/consume.ts";
import { openTaskWithData } from "../../src/verbs/task-data.ts";

const data = fileURLToPath(new URL("../../../shared/data/benchmarks", import.meta.url));
const isThere = existsSync(data);
if (!isThere) process.stderr.write("benchmarks.test.ts: skipped, ../shared/data/benchmarks is absent\n");

async function opened(name: string): Promise<Task> {
  return consume(openTaskWithData(name, { data }), () => {});
}

function all(task: Task, split: Split = "test") {
  return task.problems({ split, seed: 1, count: task.available(split)! });
}

/** Whether the task's own grader takes `text` for an answer to a problem's right answer. */
async function graded(task: Task, text: (answer: string) => string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const problem of all(task)) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- graders may run programs
    const { verdict } = await task.grade(problem, { text: text(problem.answer), finish: "stop" });
    counts[verdict] = (counts[verdict] ?? 0) + 1;
  }
  return counts;
}

describe.skipIf(!isThere)("benchmarks from files", () => {
  test.each([
    ["gsm8k", 1319, 7473],
    ["math500", 500, 4500],
    ["aime", 120, 0],
    ["aime:2024,2025", 60, 0],
    ["aime120", 120, 0],
    ["svamp", 1000, 0],
    ["mmlu", 3018, 0],
    ["humaneval", 164, 0],
    ["livecodebench:subset", 879, 0],
  ])("%s has %i test and %i training problems", async (name, problems, training) => {
    const task = await opened(name);
    expect(task.available("test")).toBe(problems);
    expect(task.available("train")).toBeLessThanOrEqual(training);
    expect(task.available("train")).toBeGreaterThanOrEqual(training * 0.99);
    expect(new Set(all(task).map(({ id }) => id)).size).toBe(problems);
    expect(all(task).every(({ question, answer }) => question !== "" && answer !== "")).toBe(true);
    expect(task.plainPrompt?.text(all(task)[0]!)).toContain(all(task)[0]!.question.slice(0, 40));
  });

  test.each([
    ["gsm8k", (answer: string) => `so\nThe answer is \\boxed{${answer}}.`],
    ["gsm8k", (answer: string) => ` There are some. The answer is ${answer}.`],
    ["svamp", (answer: string) => `<think>99 or 98?</think>So \\boxed{${answer}}`],
    ["math500", (answer: string) => `Hence $\\boxed{${answer}}$.`],
    ["aime", (answer: string) => `**Answer**\n\\[\n\\boxed{${answer}}\n\\]`],
    ["mmlu", (answer: string) => `The third is wrong.\n\nAnswer: ${answer}`],
    ["mmlu", (answer: string) => ` ${answer}`],
  ])("%s: the right answer is graded right, a thought without end is none", async (name, text) => {
    const task = await opened(name);
    const count = task.available("test")!;
    expect(await graded(task, text)).toEqual({ correct: count });
    expect(await graded(task, (answer) => `<think>\n\\boxed{${answer}}`)).toEqual({ "no-answer": count });
  });

  test("no training problem is one of evaluation", async () => {
    for (const name of ["gsm8k", "math500"]) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- one after another
      const task = await opened(name);
      const measured = new Set(all(task).map(({ id }) => id));
      expect(all(task, "train").filter(({ id }) => measured.has(id))).toEqual([]);
    }
  });
});
