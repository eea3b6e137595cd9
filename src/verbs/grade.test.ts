import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { grade, type GradedLine } from "./grade.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-grade-"));
afterAll(() => rmSync(directory, { recursive: true }));

async function graded(...lines: readonly unknown[]): Promise<GradedLine[]> {
  const file = join(directory, "answers.jsonl");
  writeFileSync(
    file,
    lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
  );
  return Array.fromAsync(grade({ file }));
}

describe("grade", () => {
  it("gives a verdict a line, whatever types the answers have", async () => {
    const verdicts = await graded(
      { gold: 5, pred: "5.0" },
      "",
      { gold: "1/2", completion: "So the answer is \\boxed{0.5}." },
      { gold: ["4", "four"], pred: "four" },
      { gold: 0, pred: null },
      { gold: true, pred: "True", options: { strict: true, kind: "other" } },
      { gold: "B", pred: "I choose (B)", options: { kind: "choice" } },
      { gold: "[1,2]", pred: "(1,2)", suite: "any" },
    );
    expect(verdicts.map(({ index, verdict }) => [index, verdict])).toEqual([
      [0, "correct"],
      [1, "correct"],
      [2, "correct"],
      [3, "no-answer"],
      [4, "correct"],
      [5, "correct"],
      [6, "incorrect"],
    ]);
    expect(verdicts[1]).toMatchObject({
      extracted: "0.5",
      comparator: "algebra",
      reason: expect.any(String),
    });
  });

  it.each([["no JSON"], ['{"gold": "1"}'], ["[1]"]])("names a line that is none: %s", async (line) => {
    await expect(graded({ gold: "1", pred: "1" }, line)).rejects.toMatchObject({
      code: "verbs/bad-line",
      message: expect.stringContaining("line 2"),
    });
  });
});
