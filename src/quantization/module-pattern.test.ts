import { assert, constantFrom, property, string } from "fast-check";
import { expect, test } from "vitest";
import { matchesPattern } from "./module-pattern.ts";

test("worked example: one star stands for any characters, also for none", () => {
  const module = "model.layers.10.mlp.down_proj";
  const fits = (pattern: string) => matchesPattern(module, pattern);
  expect(["*.down_proj", "model.layers.10.*", "*", "*mlp*", module, "*.10.*.down*_proj"].map(fits)).toEqual(
    Array.from({ length: 6 }, () => true),
  );
  expect(["down_proj", "model.layers.1.*", "*.up_proj", "*.mlp.mlp.*", ""].map(fits)).toEqual(
    Array.from({ length: 5 }, () => false),
  );
  expect(matchesPattern("ab", "ab*b")).toBe(false);
});

test("property: equal to the regular expression, in which everything but the star is literal", () => {
  const text = string({ unit: constantFrom("a", "b", ".", "*"), maxLength: 8 });
  assert(
    property(text, text, (module, pattern) => {
      const literals = pattern.split("*").map((literal) => literal.replaceAll(".", String.raw`\.`));
      expect(matchesPattern(module, pattern)).toBe(new RegExp(`^${literals.join(".*")}$`, "u").test(module));
    }),
  );
});

test("a pattern that would hang a backtracking matcher is answered at once", () => {
  expect(matchesPattern("a".repeat(50_000), `${"*a".repeat(2000)}*b`)).toBe(false);
});
