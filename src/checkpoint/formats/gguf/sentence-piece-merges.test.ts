import { expect, it } from "vitest";
import { mergesOfScores, scoresOfMerges } from "./sentence-piece-merges.ts";

const pieces = new Map(
  ["a", "b", "c", "ab", "bc", "abc"].map((piece, id) => [
    piece,
    { id, score: piece === "bc" ? -1 : -2 - id },
  ]),
);

it("worked example: all splits, best piece first, of one piece by the ids of the parts", () => {
  const merges = mergesOfScores(pieces);
  expect(merges).toEqual([
    ["b", "c"],
    ["a", "b"],
    ["a", "bc"],
    ["ab", "c"],
  ]);
  expect(scoresOfMerges(merges, pieces)).toEqual(new Map(Object.entries({ bc: -1, ab: -2, abc: -3 })));
});

it("no scores stand for merges that scatter a piece or leave a pair out", () => {
  const scattered = [
    ["a", "bc"],
    ["b", "c"],
    ["ab", "c"],
  ] as const;
  expect(scoresOfMerges(scattered, pieces)).toBeNull();
  expect(scoresOfMerges([["a", "b"]], pieces)).toBeNull();
});
