import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scoreToken } from "./token-scores.ts";

describe("token scores", () => {
  test("worked example: probabilities 1/8, 1/2, 1/8, 1/4", () => {
    const logits = Float32Array.of(0, Math.log(4), 0, Math.log(2));
    const { logProbability, likeliest } = scoreToken(logits, 3, 3);
    expect(logProbability).toBeCloseTo(Math.log(1 / 4), 6);
    expect(likeliest.map(({ tokenId }) => tokenId)).toEqual([1, 3, 0]);
    expect(likeliest[0]!.logProbability).toBeCloseTo(Math.log(1 / 2), 6);
  });

  test("property: all probabilities sum to one and fall; the token's own is the one in the list", () => {
    const rows = fc.array(fc.float({ min: -90, max: 90, noNaN: true }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(rows, fc.nat(), (row, pick) => {
        const tokenId = pick % row.length;
        const { logProbability, likeliest } = scoreToken(Float32Array.from(row), tokenId, row.length);
        const all = likeliest.map((each) => each.logProbability);
        expect(all.reduce((sum, each) => sum + Math.exp(each), 0)).toBeCloseTo(1, 9);
        expect(all).toEqual(all.toSorted((a, b) => b - a));
        expect(likeliest.find((each) => each.tokenId === tokenId)?.logProbability).toBe(logProbability);
      }),
    );
  });
});
