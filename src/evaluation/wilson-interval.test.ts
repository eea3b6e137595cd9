import * as fc from "fast-check";
import { expect, test } from "vitest";
import { wilsonInterval } from "./wilson-interval.ts";

test("worked example: 8 of 10", () => {
  // p = 0.8, z² = 3.8415: center (0.8 + 0.19207) / 1.38415 = 0.71674, half (1.95996 / 1.38415) · sqrt(0.016 + 0.0096037) = 0.22658
  expect(wilsonInterval(8, 10)).toBeAllClose([0.490_16, 0.943_32], { relative: 1e-4 });
});

test("property: the interval holds the proportion, stays in [0, 1] and mirrors when success and failure change roles", () => {
  const counts = fc
    .integer({ min: 1, max: 5000 })
    .chain((trials) => fc.tuple(fc.integer({ min: 0, max: trials }), fc.constant(trials)));
  fc.assert(
    fc.property(counts, ([successes, trials]) => {
      const [low, high] = wilsonInterval(successes, trials);
      expect(0 <= low && low <= successes / trials && successes / trials <= high && high <= 1).toBe(true);
      const [mirroredLow, mirroredHigh] = wilsonInterval(trials - successes, trials);
      expect([1 - mirroredHigh, 1 - mirroredLow]).toBeAllClose([low, high], { absolute: 1e-12 });
    }),
  );
});

test.each([
  [1, 0],
  [-1, 4],
  [5, 4],
  [0.5, 4],
])("%d of %d is refused", (successes, trials) =>
  expect(() => wilsonInterval(successes, trials)).toThrow(
    expect.objectContaining({ code: "evaluation/bad-counts" }),
  ),
);
