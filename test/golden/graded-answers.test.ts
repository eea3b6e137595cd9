/** @file The grader on answers that other programs graded: every difference was looked at, and is listed with its reason. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { gradeAnswer } from "../../src/grading/math/grade-answer.ts";

const folder = join(import.meta.dirname, "../../../shared/data/grading");
const isThere = existsSync(folder);
const skipped = isThere ? "" : " (skipped: ../shared/data is not there)";

const listed = z
  .object({
    gradedAnswers: z.record(z.string(), z.array(z.int())),
    peerCases: z.record(z.string(), z.array(z.int())),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "graded-answers.json"), "utf8")));

const answer = z.union([z.string(), z.number(), z.null(), z.array(z.string())]);
const caseSchema = z.object({ gold: answer, pred: answer, expected: z.boolean() });

/** Lines on which bitmend and the other program differ, and all. */
function differences(name: string): { differing: number[]; total: number } {
  const lines = readFileSync(join(folder, name), "utf8").trim().split("\n");
  const differing = lines.flatMap((line, index) => {
    const { gold, pred, expected } = caseSchema.parse(JSON.parse(line));
    const golds = Array.isArray(gold) ? gold : String(gold ?? "");
    const { verdict } = gradeAnswer({ gold: golds, answer: String(pred ?? "") });
    return (verdict === "correct") === expected ? [] : [index];
  });
  return { differing, total: lines.length };
}

/** All line numbers of a list by reason. */
function indices(reasons: Readonly<Record<string, readonly number[]>>): number[] {
  return Object.values(reasons)
    .flat()
    .toSorted((a, b) => a - b);
}

describe.skipIf(!isThere)(`answers graded by others${skipped}`, () => {
  test("real answers of models: 2,127 of 2,166 alike, and 37 of the other 39 are errors of the other program", () => {
    const { differing, total } = differences("graded-answers.jsonl");
    expect(differing).toEqual(indices(listed.gradedAnswers));
    const ours = Object.entries(listed.gradedAnswers).filter(([reason]) =>
      reason.startsWith("a matter of taste"),
    );
    expect(1 - indices(Object.fromEntries(ours)).length / total).toBeGreaterThan(0.99);
  });

  test("cases of other graders' own tests: all that are about the answer come out as expected", () => {
    const { differing, total } = differences("peer-cases.jsonl");
    expect(differing).toEqual(indices(listed.peerCases));
    expect(differing.length / total).toBeLessThan(0.02);
  });
});
