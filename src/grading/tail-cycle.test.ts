import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tailCycle } from "./tail-cycle.ts";

describe("tailCycle", () => {
  test("worked example: xabababa ends in a cycle of two, three and a half times", () =>
    expect(tailCycle("xabababa", 3)).toEqual({ period: 2, length: 7 }));

  test("two repetitions are not three", () => expect(tailCycle("xabab", 3)).toBeNull());

  test("lines repeat like characters", () =>
    expect(tailCycle(["a", "b", "c", "b", "c", "b", "c"], 3)).toEqual({ period: 2, length: 6 }));

  test("property: agrees with trying every end and every period", () => {
    const words = fc.stringMatching(/^[ab]{0,24}$/);
    fc.assert(
      fc.property(words, fc.integer({ min: 2, max: 5 }), (text, repeats) => {
        let longest = 0;
        for (let length = 2; length <= text.length; length++) {
          const end = text.slice(-length);
          for (let period = 1; period * repeats <= length; period++)
            if (end.slice(period) === end.slice(0, -period)) longest = length;
        }
        expect(tailCycle(text, repeats)?.length ?? 0).toBe(longest);
      }),
      { numRuns: 300 },
    );
  });
});
