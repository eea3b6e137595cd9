import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bootstrapMeanInterval } from "./bootstrap-interval.ts";

test("worked example: two problems, one of them lost", () => {
  // The resampled mean is 0, 1/2 or 1 with chances 1/4, 1/2, 1/4: both 2.5 % quantiles lie at the ends.
  expect(bootstrapMeanInterval([0, 1], { seed: 1 })).toEqual([0, 1]);
});

test("equal differences leave no doubt", () =>
  expect(bootstrapMeanInterval([0.5, 0.5, 0.5], { seed: 1 })).toEqual([0.5, 0.5]));

test("the same seed gives the same interval", () => {
  const values = [1, 0, 0, -1, 0, 1, 1, 0, 0, 0];
  expect(bootstrapMeanInterval(values, { seed: 3 })).toEqual(bootstrapMeanInterval(values, { seed: 3 }));
});

test("property: the interval lies within the values and turns around with their sign", () => {
  const values = fc.array(fc.constantFrom(-1, 0, 1), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(values, (differences) => {
      const [low, high] = bootstrapMeanInterval(differences, { seed: 5, resamples: 400 });
      expect(low >= Math.min(...differences) && low <= high && high <= Math.max(...differences)).toBe(true);
      const mirrored = bootstrapMeanInterval(
        differences.map((difference) => 0 - difference),
        { seed: 5, resamples: 400 },
      );
      expect(mirrored).toBeAllClose([-high, -low], { absolute: 1e-12 });
    }),
    { numRuns: 40 },
  );
});

test("no problems are refused", () =>
  expect(() => bootstrapMeanInterval([], { seed: 1 })).toThrow(
    expect.objectContaining({ code: "evaluation/no-problems" }),
  ));
