import { array, assert, constantFrom, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { moduleExpression } from "./module-expression.ts";

const module = "model.layers.18.mlp.down_proj";

describe("regular expressions over module names", () => {
  it.each([
    [String.raw`.*\.18\..*down.*`, true],
    [String.raw`^model\.layers\.(0|1|18)\.mlp\.`, true],
    [String.raw`model\.layers\.[0-9]\.mlp`, false],
    [String.raw`model\.layers\.\d+\.mlp\.(?:up|down)_proj$`, true],
    [String.raw`layers`, false],
    [String.raw`.*(gate|up)_proj`, false],
    [String.raw`^model\.layers\.18\.mlp\.down_proj$`, true],
    [String.raw`^model\.layers\.18\.mlp\.down$`, false],
    ["(m+o*)+.*", true],
  ])("%s fits: %s", (pattern, fits) => {
    expect(moduleExpression(pattern)?.(module)).toBe(fits);
  });

  it.each(["(", ")", "a**", "[z-a]", "[", "a{2}", String.raw`\1`, "(?=a)", "((((a))))", "*"])(
    "refuses %s",
    (pattern) => {
      expect(moduleExpression(pattern)).toBeNull();
    },
  );

  it("is not made to hang", () => {
    const matches = moduleExpression("(a*a*)*(a*)*(a+)+(.*.*.*.*.*.*)*b$");
    expect(matches?.("a".repeat(200))).toBe(false);
  });

  it("agrees with the engine's own regular expressions", () => {
    const pieces = constantFrom(
      "a",
      "b",
      ".",
      "a*",
      "b+",
      "(a|ab)",
      "(?:b|a)?",
      "[ab]",
      ".*",
      "$",
      "^",
      "|",
      String.raw`\.`,
    );
    const name = string({ unit: constantFrom("a", "b", "."), maxLength: 8 });
    const agrees = property(array(pieces, { maxLength: 7 }), name, (parts, text) => {
      const pattern = parts.join("");
      return moduleExpression(pattern)?.(text) === new RegExp(`^(?:${pattern})`, "u").test(text);
    });
    expect(() => assert(agrees, { numRuns: 500 })).not.toThrow();
  });
});
