import { expect, test } from "vitest";
import { imitationSequence, medicinePair, type SolutionEncoder } from "./solution-sequences.ts";

/** One token a character; 1 begins, 2 asks for the answer, 0 ends. */
const encoder: SolutionEncoder = {
  encode: (text) => Array.from(text, (character) => character.charCodeAt(0)),
  prompt: (question) => [1, ...Array.from(question, (character) => character.charCodeAt(0)), 2],
  endTokenId: 0,
};
const record = {
  problem: "p",
  question: "?",
  prefix: "a\n",
  chosen: "b\nc",
  rejected: "x",
  type: "numerical-computation-error",
} as const;
const codes = (text: string) => encoder.encode(text);

test("imitation: the question does not count, the end does", () => {
  expect(imitationSequence(encoder, { question: "?", solution: "a" })).toMatchObject({
    tokenIds: [1, 63, 2, 97, 0],
    weights: [0, 0, 0, 1, 1],
  });
});

test("a pair compared on its first differing step: likelihood on the whole answer", () => {
  const { chosen, rejected } = medicinePair(encoder, record, { scope: "step" });
  expect(chosen).toEqual({
    tokenIds: [1, 63, 2, ...codes("a\nb\nc"), 0],
    weights: [0, 0, 0, 1, 1, 1, 1, 1, 1],
    preference: [0, 0, 0, 0, 0, 1, 1, 0, 0],
  });
  expect(rejected.tokenIds).toEqual([1, 63, 2, ...codes("a\nx"), 0]);
  // the rejected step is the last line: its end belongs to it
  expect(rejected.preference).toEqual([0, 0, 0, 0, 0, 1, 1]);
});

test("a pair compared on whole continuations", () => {
  const { chosen } = medicinePair(encoder, record, { scope: "continuation" });
  expect(chosen.preference).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1]);
});
