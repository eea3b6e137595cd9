import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { holmAdjusted } from "./holm.ts";
import { majorityAtK } from "./majority-at-k.ts";
import { mcnemarExactP } from "./mcnemar.ts";
import { passAtK } from "./pass-at-k.ts";
import { pairedPermutation } from "./permutation-test.ts";
import { studentInterval } from "./student-interval.ts";

describe("pass@k", () => {
  test("worked example: 3 of 10 right, 2 tries", () =>
    // Both wrong: 7/10 · 6/9.
    expect(passAtK(3, 10, 2)).toBeCloseTo(1 - 42 / 90, 14));

  test("property: one try is the mean, more tries never hurt", () => {
    const cases = fc
      .integer({ min: 2, max: 300 })
      .chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n }), fc.integer({ min: 2, max: n })));
    fc.assert(
      fc.property(cases, ([n, c, k]) => {
        expect(passAtK(c, n, 1)).toBeCloseTo(c / n, 12);
        expect(passAtK(c, n, k)).toBeGreaterThanOrEqual(passAtK(c, n, k - 1) - 1e-12);
        expect(passAtK(c, n, n)).toBeCloseTo(c > 0 ? 1 : 0, 12);
      }),
    );
  });

  test.each([
    [3, 2, 1],
    [1, 2, 3],
    [1, 2, 0],
    [0.5, 2, 1],
  ])("%d of %d, %d tries, is refused", (correct, samples, k) =>
    expect(() => passAtK(correct, samples, k)).toThrow(
      expect.objectContaining({ code: "evaluation/bad-counts" }),
    ),
  );
});

describe("maj@k", () => {
  test("worked example: two votes for the right answer, one each for two others, three drawn", () => {
    // Of the four subsets, {r r a} and {r r b} are won, {r a b} twice is a tie of three.
    const classes = [
      { votes: 2, correct: true },
      { votes: 1, correct: false },
      { votes: 1, correct: false },
    ];
    expect(majorityAtK(classes, 0, 3)).toBeCloseTo((2 + 2 / 3) / 4, 14);
  });

  test("samples without an answer do not vote, and none at all solves nothing", () => {
    expect(majorityAtK([{ votes: 1, correct: true }], 2, 3)).toBe(1);
    expect(majorityAtK([{ votes: 1, correct: true }], 2, 1)).toBeCloseTo(1 / 3, 14);
    expect(majorityAtK([], 3, 2)).toBe(0);
  });

  test("property: one vote is the mean; a tie of two leaves it there; all votes elect the largest class", () => {
    const votes = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.boolean()), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(votes, fc.integer({ min: 0, max: 5 }), (list, silent) => {
        const classes = list.map(([count, correct]) => ({ votes: count, correct }));
        const total = list.reduce((sum, [count]) => sum + count, silent);
        const right = list.reduce((sum, [count, correct]) => sum + (correct ? count : 0), 0);
        expect(majorityAtK(classes, silent, 1)).toBeCloseTo(right / total, 12);
        const top = Math.max(...list.map(([count]) => count));
        const winners = list.filter(([count]) => count === top);
        expect(majorityAtK(classes, silent, total)).toBeCloseTo(
          winners.filter(([, correct]) => correct).length / winners.length,
          12,
        );
        if (silent === 0 && total > 1) expect(majorityAtK(classes, 0, 2)).toBeCloseTo(right / total, 12);
      }),
    );
  });
});

describe("paired permutation", () => {
  test("worked example: two problems lost by a half, one won by a quarter", () =>
    // Signed sums of (1/2, 1/2, 1/4): ±5/4, ±3/4, ±1/4 twice each; |sum| >= 3/4 in four of eight.
    expect(pairedPermutation([0.5, 0.5, -0.25], { seed: 1 })).toEqual({ p: 0.5, draws: null }));

  test("property: for right and wrong it is McNemar's exact test", () => {
    const flips = fc.array(fc.constantFrom(-1, 0, 1), { maxLength: 200 });
    fc.assert(
      fc.property(flips, (differences) => {
        const lost = differences.filter((each) => each === 1).length;
        const won = differences.filter((each) => each === -1).length;
        expect(pairedPermutation(differences, { seed: 1 }).p).toBeCloseTo(mcnemarExactP(lost, won), 10);
      }),
      { numRuns: 50 },
    );
  });

  test("1,000 problems of 64 samples are counted exactly", () => {
    const differences = Array.from({ length: 1000 }, (_, index) => (((index * 37) % 129) - 60) / 64);
    expect(pairedPermutation(differences, { seed: 1 }).draws).toBeNull();
  });
});

test("Holm, worked example: 0.01, 0.04, 0.03", () =>
  // Ascending 0.01 · 3, 0.03 · 2, 0.04 · 1, never below an earlier one.
  expect(holmAdjusted([0.01, 0.04, 0.03])).toBeAllClose([0.03, 0.06, 0.06], { relative: 1e-14 }));

test("property: Holm never lowers a p value, keeps the order, and leaves one alone as it is", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }), (pValues) => {
      const adjusted = holmAdjusted(pValues);
      for (const [index, p] of pValues.entries()) {
        expect(adjusted[index]).toBeGreaterThanOrEqual(p);
        for (const [other, q] of pValues.entries())
          if (p < q) expect(adjusted[index]).toBeLessThanOrEqual(adjusted[other]!);
      }
      expect(holmAdjusted([pValues[0]!])).toEqual([pValues[0]]);
    }),
    { numRuns: 50 },
  );
});

test("Student, worked example: means 0.5 and 1", () => {
  // Standard error 0.25, quantile for one degree of freedom 12.7062.
  expect(studentInterval([0.5, 1])).toBeAllClose([0.75 - 3.176_551, 0.75 + 3.176_551], { relative: 1e-6 });
  expect(studentInterval([0.5])).toEqual([-Infinity, Infinity]);
});
