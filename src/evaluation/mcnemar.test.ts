import * as fc from "fast-check";
import { expect, test } from "vitest";
import { mcnemarExactP } from "./mcnemar.ts";

test("worked example: 1 lost, 5 won", () => {
  // 2 · (C(6,0) + C(6,1)) / 2^6 = 14 / 64
  expect(mcnemarExactP(1, 5)).toBeCloseTo(14 / 64, 14);
});

test("no flips, or as many each way, are no evidence", () => {
  expect(mcnemarExactP(0, 0)).toBe(1);
  expect(mcnemarExactP(7, 7)).toBe(1);
  expect(mcnemarExactP(500_000, 500_000)).toBe(1);
});

test("large counts neither overflow nor lose the tail", () => {
  expect([mcnemarExactP(0, 1000)]).toBeAllClose([2 ** -999], { relative: 1e-10, absolute: 0 });
});

test("property: symmetric, in [0, 1], and smaller the more one-sided the flips", () => {
  const count = fc.integer({ min: 0, max: 3000 });
  fc.assert(
    fc.property(count, count, (lost, won) => {
      const p = mcnemarExactP(lost, won);
      expect(p).toBe(mcnemarExactP(won, lost));
      expect(p >= 0 && p <= 1).toBe(true);
      if (lost > 0 && lost <= won) expect(mcnemarExactP(lost - 1, won + 1)).toBeLessThanOrEqual(p);
    }),
  );
});

test("property: equals the sum of binomial terms for small counts", () => {
  const count = fc.integer({ min: 0, max: 25 });
  fc.assert(
    fc.property(count, count, (lost, won) => {
      let [tail, choose] = [0, 1];
      for (let successes = 0; successes <= Math.min(lost, won); successes++) {
        tail += choose / 2 ** (lost + won);
        choose *= (lost + won - successes) / (successes + 1);
      }
      expect([mcnemarExactP(lost, won)]).toBeAllClose([Math.min(1, 2 * tail)], { relative: 1e-12 });
    }),
  );
});

test("counts that are none are refused", () =>
  expect(() => mcnemarExactP(-1, 2)).toThrow(expect.objectContaining({ code: "evaluation/bad-counts" })));
