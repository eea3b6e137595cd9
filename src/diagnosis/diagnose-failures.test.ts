import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Problem } from "../tasks/problem.ts";
import { consume } from "../util/consume.ts";
import { appendJsonLines } from "../util/json-lines.ts";
import { diagnoseFailures, type DiagnosisEvent } from "./diagnose-failures.ts";

const problems: Problem[] = Array.from({ length: 150 }, (_, index) => ({
  id: `p${index}`,
  question: `Ann has ${index} nuts and gets 9.`,
  answer: `${index + 9}`,
  split: "test",
}));

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bitmend-diagnose-"));
  for (const [variant, error] of [
    ["full", 0],
    ["w3", 2],
  ] as const)
    for (const [index, { id, answer }] of problems.entries()) {
      const result = Number(answer) + error;
      const text = `total: ${index}+9=${result}\n#### ${result}`;
      appendJsonLines(join(directory, "completions.jsonl"), [
        { variant, problem: id, text, tokens: 9, finish: "stop" },
      ]);
      appendJsonLines(join(directory, "verdicts.jsonl"), [
        {
          variant,
          problem: id,
          verdict: error === 0 ? "correct" : "incorrect",
          extracted: `${result}`,
          expected: answer,
          degenerate: null,
        },
      ]);
    }
});
afterEach(() => rmSync(directory, { recursive: true }));

const setup = () => ({ directory, problems, variants: ["full", "w3"], referenceVariants: ["full"] });

describe("diagnoseFailures", () => {
  test("every failing completion gets one diagnosis against the right solution", async () => {
    const events: DiagnosisEvent[] = [];
    const diagnoses = await consume(diagnoseFailures(setup()), (event) => events.push(event));
    expect(diagnoses).toHaveLength(150);
    expect(diagnoses[3]).toEqual({
      variant: "w3",
      problem: "p3",
      steps: ["total: 3+9=14", "#### 14"],
      firstWrongStep: 0,
      type: "numerical-computation-error",
      evidence: "step 1 writes 3+9=14; 3+9 is 12",
    });
    expect(events.at(-1)).toEqual({ type: "progress", finished: 150, total: 150 });
  });

  test("killed anywhere, it goes on and ends with the same records", async () => {
    const whole = await consume(diagnoseFailures(setup()));
    const path = join(directory, "diagnoses.jsonl");
    const content = readFileSync(path, "utf8");
    for (const share of [0, 0.3, 0.999]) {
      writeFileSync(path, content.slice(0, Math.floor(share * content.length)));
      // oxlint-disable-next-line eslint/no-await-in-loop -- each attempt reads what the last one wrote
      expect(await consume(diagnoseFailures(setup()))).toEqual(whole);
      expect(readFileSync(path, "utf8")).toBe(content);
    }
  });

  test("a variant without verdicts is named", async () => {
    await expect(consume(diagnoseFailures({ ...setup(), variants: ["w2"] }))).rejects.toThrow("w2");
  });
});
