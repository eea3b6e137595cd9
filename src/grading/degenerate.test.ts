import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  defaultVariations,
  degenerateKind,
  degenerateSensitivity,
  describeDegenerate,
  unreadableShare,
} from "./degenerate.ts";

const lines = (line: string, count: number): string => `start: 1+1=2\n${`${line}\n`.repeat(count)}`;

describe("degenerateKind", () => {
  test("four equal lines at the end are a loop, three are not", () => {
    expect(degenerateKind({ completion: lines("and: 12+14=26", 4), verdict: "no-answer" })).toBe("loop");
    expect(degenerateKind({ completion: lines("and: 12+14=26", 3), verdict: "no-answer" })).toBe("no-answer");
  });

  test("a loop cut short by the token limit is a loop", () => {
    const completion = `${lines("total of both: 12+14=26", 5)}total of bo`;
    expect(degenerateKind({ completion, verdict: "no-answer" })).toBe("loop");
  });

  test("a repeated character is a loop, a short repetition is not", () => {
    expect(degenerateKind({ completion: `a: ${"7".repeat(60)}`, verdict: "no-answer" })).toBe("loop");
    expect(degenerateKind({ completion: "a: 1+1=2\n#### 77777777", verdict: "incorrect" })).toBeNull();
  });

  test("a wrong answer after an ordinary solution is not degenerate, a missing one is", () => {
    expect(degenerateKind({ completion: "a: 3+4=8\n#### 8", verdict: "incorrect" })).toBeNull();
    expect(degenerateKind({ completion: "a: 3+4=7", verdict: "no-answer" })).toBe("no-answer");
  });

  test("symbols without an expression, special tokens and control characters are not text", () => {
    for (const completion of ["+ / = = 4 +", "<pad><unk><pad>", "\u0000\u0001\uFFFD#", ""])
      expect(degenerateKind({ completion, verdict: "no-answer" })).toBe("not-text");
    for (const completion of ["12 * 4 = 48", "x + 3 > 2", "\\[", "十二", "- 3"])
      expect(unreadableShare(completion)).toBe(0);
  });

  test("property: a correct completion is never degenerate", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(degenerateKind({ completion: text.repeat(9), verdict: "correct" })).toBeNull();
      }),
    );
  });
});

test("the sensitivity has one row per variation, the default first, and shares that add up", () => {
  const cases = [
    { completion: lines("and: 12+14=26", 3), verdict: "incorrect" },
    { completion: lines("and: 12+14=26", 9), verdict: "incorrect" },
  ] as const;
  const rows = degenerateSensitivity(cases);
  expect(rows).toHaveLength(1 + defaultVariations.length);
  expect(rows[0]).toMatchObject({ share: 0.5, byKind: { loop: 0.5, "no-answer": 0, "not-text": 0 } });
  expect(rows[1]!.share).toBe(1);
});

test("the definition prints its parameters", () =>
  expect(describeDegenerate()).toMatchInlineSnapshot(
    `"Degenerate is a failing completion in which, first match wins, (not-text) at least 30 % of the non-space characters are control, replacement, private-use or unassigned characters, special-token marks, or stand on a line of digits and operators that holds no expression; (loop) the last at least 40 characters repeat one cycle of whole lines at least 4 times or one cycle of characters at least 5 times, the last repetition possibly cut short; or (no-answer) no final answer is marked before the text ends by itself or at the token limit."`,
  ));
