import { describe, expect, test } from "vitest";
import { StopStrings } from "./stop-rule.ts";

/** Token i is the i-th letter; 26 and 27 are the two bytes of "é". */
const letters = {
  decode: (ids: readonly number[]): string =>
    Buffer.concat(
      ids.map((id) => Buffer.from(id === 26 ? [0xc3] : id === 27 ? [0xa9] : [97 + id])),
    ).toString(),
};

describe("stop strings", () => {
  test("are found when the last token completes them, across tokens", () => {
    const rule = new StopStrings(["bc"], letters);
    expect(rule.isReached([0, 1])).toBe(false);
    expect(rule.isReached([0, 1, 2])).toBe(true);
  });

  test("may contain characters of several bytes", () => {
    const rule = new StopStrings(["é"], letters);
    expect(rule.isReached([0, 26])).toBe(false);
    expect(rule.isReached([0, 26, 27])).toBe(true);
  });

  test("cut the text before the first of them", () => {
    expect(new StopStrings(["d", "bc"], letters).cut("abcd")).toBe("a");
    expect(new StopStrings([], letters).cut("abcd")).toBe("abcd");
  });

  test("an empty stop string stops nothing", () => {
    expect(new StopStrings([""], letters).isReached([0])).toBe(false);
  });
});
