import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { extractAnswer } from "./extract-answer.ts";

const found = (text: string, ...marks: Parameters<typeof extractAnswer>[1][]): string | null => {
  const extraction = extractAnswer(text, ...marks);
  return extraction.found ? extraction.text : null;
};

describe("extractAnswer", () => {
  test.each([
    ["total: 3+4=7\n#### 7", "7"],
    ["####7", "7"],
    ["#### 7\n#### 8", "8"],
    [String.raw`so \boxed{7}`, "7"],
    [String.raw`\boxed{\frac{1}{2}}`, String.raw`\frac{1}{2}`],
    [String.raw`\boxed{\{1, 2\}}`, String.raw`\{1, 2\}`],
    [String.raw`\boxed{1} then \boxed{2}`, "2"],
    [String.raw`$\boxed 7$`, "7"],
    ["Thus the answer is 7.", "7"],
    ["The answer is: 3.5 meters. Done", "3.5 meters"],
    ["Final Answer: **12**", "12**"],
    [String.raw`#### 3 and \boxed{4}`, String.raw`3 and \boxed{4}`],
  ])("finds the answer in %j", (text, answer) => expect(found(text)).toBe(answer));

  test("says what is missing", () => {
    expect(extractAnswer("no mark, 7")).toEqual({ found: false, reason: "no-mark" });
    expect(extractAnswer(String.raw`\boxed{7`)).toEqual({ found: false, reason: "unclosed-box" });
    expect(extractAnswer("#### ")).toEqual({ found: false, reason: "empty" });
  });

  test("an unclosed box at the end does not hide an earlier answer", () =>
    expect(found(String.raw`\boxed{7} and again \boxed{7`)).toBe("7"));

  test("the last number is read only where it is asked for", () => {
    expect(found("3 apples and 1,200 pears")).toBeNull();
    expect(found("3 apples and 1,200 pears", ["boxed", "last number"])).toBe("1,200");
  });

  test("property: whatever stands in a box with balanced braces comes out", () => {
    const balanced = fc.letrec((tie) => ({
      text: fc.oneof(
        { maxDepth: 4 },
        fc.stringMatching(/^[a-z0-9+]{1,5}$/),
        fc.tuple(tie("text"), tie("text")).map(([a, b]) => `${String(a)}{${String(b)}}`),
      ),
    })).text;
    fc.assert(
      fc.property(balanced, (text) => {
        expect(found(String.raw`so \boxed{${text}} holds`)).toBe(text);
      }),
    );
  });
});
