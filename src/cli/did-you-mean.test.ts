import { expect, test } from "vitest";
import { didYouMean } from "./did-you-mean.ts";

const verbs = ["run", "quantize", "evaluate", "compare"];

test("a slip of the finger finds its word, anything else finds none", () => {
  expect(["rnu", "quantise", "eval", "compair", "zzz", ""].map((typed) => didYouMean(typed, verbs))).toEqual([
    "run",
    "quantize",
    "evaluate",
    "compare",
    undefined,
    undefined,
  ]);
});
