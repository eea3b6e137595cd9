import * as fc from "fast-check";
import { expect, test } from "vitest";
import { differenceFound, pairedSpread, problemsNeeded, samplesNeeded } from "./power.ts";

test("worked example: 10 points at 50 % discordance", () => {
  // ((1.95996 · sqrt(0.5) + 0.84162 · sqrt(0.49)) / 0.1)² = (1.38590 + 0.58913)² · 100 = 390.08
  expect(problemsNeeded(0.1, { between: 0.5, within: null })).toBe(391);
});

test("worked example: spread of one greedy answer is the discordance, of samples it is split", () => {
  expect(
    pairedSpread([
      [[1], [0]],
      [[1], [1]],
      [[0], [1]],
      [[0], [0]],
    ]),
  ).toEqual({ between: 0.5, within: null });
  // One problem, means 1/2 and 1: the difference's square 1/4 is all noise (variances 1/2 and 0, over two samples).
  expect(
    pairedSpread([
      [
        [0, 1],
        [1, 1],
      ],
    ]),
  ).toEqual({ between: 0, within: 0.5 });
});

test("more samples do not help where the problems themselves scatter too much", () => {
  expect(samplesNeeded(0.02, { between: 0.5, within: 0.1 }, 100)).toBeNull();
  expect(samplesNeeded(0.02, { between: 0, within: null }, 1e6)).toBeNull();
});

test("property: as many samples as said are enough, one fewer is not", () => {
  const spread = fc.record({
    between: fc.double({ min: 0, max: 0.2, noNaN: true }),
    within: fc.double({ min: 0.001, max: 0.5, noNaN: true }),
  });
  fc.assert(
    fc.property(spread, fc.double({ min: 0.005, max: 0.3, noNaN: true }), (scatter, difference) => {
      const samples = samplesNeeded(difference, scatter, 2000);
      if (samples === null) {
        expect(problemsNeeded(difference, scatter, 2 ** 30)).toBeGreaterThan(2000);
        return;
      }
      expect(problemsNeeded(difference, scatter, samples)).toBeLessThanOrEqual(2000);
      if (samples > 1) expect(problemsNeeded(difference, scatter, samples - 1)).toBeGreaterThan(2000);
      expect(differenceFound(2000, scatter, samples)).toBeLessThanOrEqual(difference * 1.001);
    }),
    { numRuns: 50 },
  );
});

test.each([0, -0.1, 1.5, Number.NaN])("a difference of %d is refused", (difference) =>
  expect(() => problemsNeeded(difference, { between: 0.1, within: null })).toThrow(
    expect.objectContaining({ code: "evaluation/bad-difference" }),
  ),
);
