import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openSandbox } from "../../src/sandbox/open-sandbox.ts";
import { consume } from "../../src/util/consume.ts";
import { openTaskWithData } from "../../src/verbs/task-data.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-programs-"));
afterAll(() => rmSync(directory, { recursive: true }));
const isIsolated = await openSandbox().then(
  () => true,
  () => false,
);

const data = join(directory, "livecodebench.json");
writeFileSync(
  data,
  JSON.stringify([
    {
      problem: "Double every number.",
      starter_code: "",
      tests: [
        { input: "1 2\n", output: "2 4\n", testtype: "stdin" },
        { input: "5\n", output: "10", testtype: "stdin" },
      ],
    },
    {
      problem: "Add two numbers.",
      starter_code: "class Solution:\n    def add(self, a: int, b: int) -> int:\n        ",
      tests: [{ input: "3\n4", output: "7", testtype: "functional" }],
    },
  ]),
);

/** Verdict and reason of a program for the problem whose question has `word` in it. */
async function graded(word: string, program: string): Promise<string> {
  const task = await consume(openTaskWithData("livecodebench:subset", { data }), () => {});
  const problem = task
    .problems({ split: "test", seed: 1, count: 2 })
    .find(({ question }) => question.includes(word))!;
  const text = `<think>hm</think>First:\n\`\`\`\nx\n\`\`\`\nthen\n\`\`\`python\n${program}\n\`\`\``;
  const { verdict, reason } = await task.grade(problem, { text, finish: "stop" });
  return `${verdict}: ${reason}`;
}

describe.skipIf(!isIsolated)("programs are graded by running them", () => {
  test.each([
    ["Double", "print(*[2 * int(x) for x in input().split()])", /^correct: passed 2 tests$/u],
    ["Double", "print(*[2.0 * int(x) for x in input().split()])", /^correct/u],
    ["Double", "print('2 4')", /^incorrect: test 2 of 2 gave '2 4'$/u],
    ["Double", "1 / 0", /^incorrect: test 1 of 2 ended with exit code 1: ZeroDivisionError/u],
    ["Add", "class Solution:\n    def add(self, a, b): return a + b", /^correct/u],
    ["Add", "class Solution:\n    def add(self, a, b): return a - b", /^incorrect: test 1 of 1 gave '-1'$/u],
    ["Add", "print('{\"passed\": true}')\nimport os\nos._exit(0)", /^incorrect: test 1 of 1 ended early$/u],
    // Everything that may be reached is killed, and yet the verdict comes.
    ["Add", "import os, signal\nos.kill(-1, signal.SIGKILL)", /^incorrect/u],
    ["Double", "import os\nwhile True: os.fork()", /^incorrect/u],
    ["Double", "print('x' * 10**9)", /^incorrect/u],
  ])("%s: %j", async (word, program, expected) => {
    expect(await graded(word, program)).toMatch(expected);
  });
});
