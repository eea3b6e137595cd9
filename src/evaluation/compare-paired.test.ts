import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Variant, VerdictRecord } from "../runs/records.ts";
import type { Problem } from "../tasks/problem.ts";
import { comparePaired } from "./compare-paired.ts";

const variant: Variant = {
  name: "w4",
  method: "rtn",
  bits: 4,
  groupSize: 64,
  symmetric: false,
  restoredBy: null,
};

const problemList = (count: number): Problem[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `p${index}`,
    question: "?",
    answer: "1",
    split: "test",
    subject: index % 2 === 0 ? "ages" : "rates",
    level: 1 + (index % 3),
  }));

const verdictList = (name: string, correct: readonly boolean[]): VerdictRecord[] =>
  correct.map((right, index) => ({
    variant: name,
    problem: `p${index}`,
    verdict: right ? "correct" : "no-answer",
    extracted: right ? "1" : null,
    expected: "1",
    degenerate: right ? null : "no-answer",
  }));

describe("comparePaired", () => {
  test("worked example: five problems, two lost, one won", () => {
    const record = comparePaired({
      variant,
      problems: problemList(5),
      baseline: verdictList("full", [true, true, true, false, false]),
      verdicts: verdictList("w4", [true, false, false, true, false]),
      seed: 1,
    });
    expect(record).toMatchObject({
      n: 5,
      accuracy: 0.4,
      lost: ["p1", "p2"],
      won: ["p3"],
      bothCorrect: 1,
      bothWrong: 1,
      degenerate: 3,
      drop: 0.2,
      mcnemarP: 1,
      bySubject: [
        ["ages", 1, 3],
        ["rates", 1, 2],
      ],
      byLevel: [
        ["1", 2, 2],
        ["2", 0, 2],
        ["3", 0, 1],
      ],
    });
    expect(record.relativeDrop).toBeCloseTo(1 / 3, 12);
  });

  test("full precision against itself changes nothing", () => {
    const baseline = verdictList("full", [true, false, true]);
    const record = comparePaired({
      variant,
      problems: problemList(3),
      baseline,
      verdicts: baseline,
      seed: 1,
    });
    expect(record).toMatchObject({ lost: [], won: [], drop: 0, dropInterval: [0, 0], mcnemarP: 1 });
  });

  test("a problem graded in one list only is named", () =>
    expect(() =>
      comparePaired({
        variant,
        problems: problemList(3),
        baseline: verdictList("full", [true, true, true]),
        verdicts: verdictList("w4", [true, true]),
        seed: 1,
      }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[BitmendError: flips(): expected verdicts of both variants for every problem, got none for 1 of 3: p2. Evaluate both variants on the same problems before comparing them.]`,
    ));

  test("verdicts of two variants in one list are refused", () => {
    const mixed = [...verdictList("a", [true]), ...verdictList("b", [true])];
    expect(() =>
      comparePaired({ variant, problems: problemList(1), baseline: mixed, verdicts: mixed, seed: 1 }),
    ).toThrow(expect.objectContaining({ code: "evaluation/mixed-variants" }));
  });

  test("property: counts add up, and exchanging the two lists exchanges lost and won", () => {
    const pairs = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(pairs, (correct) => {
        const problems = problemList(correct.length);
        const before = verdictList(
          "full",
          correct.map(([first]) => first),
        );
        const after = verdictList(
          "w4",
          correct.map(([, second]) => second),
        );
        const record = comparePaired({ variant, problems, baseline: before, verdicts: after, seed: 1 });
        const reverse = comparePaired({ variant, problems, baseline: after, verdicts: before, seed: 1 });
        expect(record.lost.length + record.won.length + record.bothCorrect + record.bothWrong).toBe(record.n);
        expect([reverse.lost, reverse.won, reverse.mcnemarP]).toEqual([
          record.won,
          record.lost,
          record.mcnemarP,
        ]);
        expect(record.drop).toBeCloseTo(-reverse.drop, 12);
      }),
      { numRuns: 20 },
    );
  });
});
