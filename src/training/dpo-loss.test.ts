import { describe, expect, test } from "vitest";
import { dpoTerms } from "./dpo-loss.ts";

const same = { policy: -10, reference: -10 };

describe("dpoTerms", () => {
  test("is ln 2 when the policy equals the reference", () => {
    expect(dpoTerms(same, same).loss).toBeCloseTo(Math.LN2, 12);
  });

  test("worked example: beta 0.1, chosen +2 nats, rejected -3 nats", () => {
    const terms = dpoTerms({ policy: -8, reference: -10 }, { policy: -13, reference: -10 }, { beta: 0.1 });
    expect(terms.chosenReward).toBeCloseTo(0.2, 12);
    expect(terms.rejectedReward).toBeCloseTo(-0.3, 12);
    expect(terms.loss).toBeCloseTo(-Math.log(1 / (1 + Math.exp(-0.5))), 12);
  });

  test.each([1e4, -1e4])("stays finite for a margin of %f nats", (margin) => {
    const { loss } = dpoTerms({ policy: margin, reference: 0 }, same, { beta: 1 });
    expect(loss).toBeGreaterThanOrEqual(0);
    expect(Number.isFinite(loss)).toBe(true);
  });
});
