import { describe, expect, test } from "vitest";
import { gradeNumeric, score } from "./verdict.ts";

describe("gradeNumeric", () => {
  test.each(["#### 12", "#### 12.0", String.raw`\boxed{\frac{24}{2}}`, "#### 12 apples", "#### $12"])(
    "%j is right for 12",
    (completion) => {
      const verdict = gradeNumeric({ completion, expected: "12" });
      expect(verdict.verdict).toBe("correct");
      expect(score(verdict)).toBe(1);
    },
  );

  test("a wrong value, a text and no answer are told apart", () => {
    expect(gradeNumeric({ completion: "#### 13", expected: "12" })).toEqual({
      verdict: "incorrect",
      extracted: "13",
      mark: "####",
      expected: "12",
      reason: "different-value",
    });
    expect(gradeNumeric({ completion: "#### 1 2", expected: "12" })).toMatchObject({
      reason: "not-a-number",
    });
    expect(gradeNumeric({ completion: "hm", expected: "12" })).toMatchObject({
      verdict: "no-answer",
      reason: "no-mark",
    });
    expect(gradeNumeric({ completion: "hm", expected: "12", finish: "length" })).toMatchObject({
      verdict: "no-answer",
      reason: "truncated",
    });
  });

  test("values beyond double precision are compared exactly", () => {
    const completion = "#### 9007199254740993";
    expect(gradeNumeric({ completion, expected: "9007199254740992" }).verdict).toBe("incorrect");
    expect(gradeNumeric({ completion, expected: "9007199254740993" }).verdict).toBe("correct");
  });

  test("a task whose own answer is no number is refused", () =>
    expect(() => gradeNumeric({ completion: "#### 1", expected: "x" })).toThrowErrorMatchingInlineSnapshot(
      `[BitmendError: gradeNumeric(): expected a number as the right answer, got "x". Numeric grading fits numeric tasks only; check the problem's answer.]`,
    ));
});
