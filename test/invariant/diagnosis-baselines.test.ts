/**
 * @file First wrong step in free text without any right solution, on public labels (../shared/data, skipped where they are absent).
 *
 * Baselines to improve on, not claims: written arithmetic is checked well, reasoning in words is not followed.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findInFreeText } from "../../src/diagnosis/diagnose-free-text.ts";

interface Labelled {
  readonly problem: string;
  readonly steps: string[];
  readonly first_error: number;
}

/** Share of exact agreement, -1 where no step is wrong or none is found. */
const share = (chosen: readonly Labelled[]): number =>
  chosen.filter(({ problem, steps, first_error }) => {
    const found = findInFreeText({ question: problem, steps, references: [] });
    return (found?.step ?? -1) === first_error;
  }).length / chosen.length;

/** Shares of exact first-error agreement: on wrong solutions, and on right ones (nothing found). */
function agreementOn(name: string): { wrong: number; right: number } {
  const rows = readFileSync(`../shared/data/diagnosis/${name}.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Labelled);
  return {
    wrong: share(rows.filter((row) => row.first_error >= 0)),
    right: share(rows.filter((row) => row.first_error < 0)),
  };
}

describe.skipIf(!existsSync("../shared/data/diagnosis"))("first wrong step of free text", () => {
  test("BIG-Bench Mistake, multi-step arithmetic: 112 of 117 wrong, 23 of 30 right solutions", () => {
    const { wrong, right } = agreementOn("bigbench-mistake-arithmetic");
    expect(wrong).toBeGreaterThanOrEqual(112 / 117);
    expect(right).toBeGreaterThanOrEqual(23 / 30);
  });

  test("ProcessBench GSM8K: 7 of 104 wrong, 97 of 98 right solutions", () => {
    const { wrong, right } = agreementOn("processbench-gsm8k");
    expect(wrong).toBeGreaterThanOrEqual(7 / 104);
    expect(right).toBeGreaterThanOrEqual(97 / 98);
  });
});
