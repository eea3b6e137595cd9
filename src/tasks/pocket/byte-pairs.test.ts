import { Tokenizer } from "@huggingface/tokenizers";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encodeWord, trainBytePairs, wordPattern } from "./byte-pairs.ts";
import { pocketMerges } from "./merges.ts";
import { decodePocket, pocketEncoder } from "./pocket-encoder.ts";
import { pocketProblems } from "./pocket-problems.ts";
import { pocketFirstSpecialId, pocketVocabulary } from "./vocabulary.ts";
import { pocketTokenizerConfig, pocketTokenizerJson } from "./write-pocket-tokenizer.ts";

const encoder = pocketEncoder();
const reference = new Tokenizer(pocketTokenizerJson(), pocketTokenizerConfig());

test("worked example: the most frequent pair merges first, ties by the alphabet, until words are single tokens", () => {
  // "lo" 7, "ow" 5: l+o. Then "low" 5, "lot" 2: lo+w, lo+t.
  const merges = trainBytePairs(
    new Map([
      ["low", 5],
      ["lot", 2],
    ]),
  );
  expect(merges).toEqual([
    ["l", "o"],
    ["lo", "w"],
    ["lo", "t"],
  ]);
  const ranks = new Map(merges.map((merge, rank) => [merge.join(" "), rank]));
  expect(encodeWord("slow", ranks)).toEqual(["s", "low"]);
  expect(encodeWord("lol", ranks)).toEqual(["lo", "l"]);
});

test("every word of the generator is one token, every digit too", () => {
  const words = new Set<string>();
  for (const { question, solution } of pocketProblems({ split: "test", seed: "words", count: 2000 })) {
    for (const text of [question, solution])
      for (const word of text.match(wordPattern) ?? []) words.add(word);
  }
  for (const word of words) expect([word, encoder.encode(word).length]).toEqual([word, 1]);
  expect(encoder.encode("120/12=10")).toHaveLength(9);
});

test("ids are frozen: released weights were trained with them", () => {
  expect(pocketMerges).toHaveLength(437);
  expect(pocketVocabulary).toHaveLength(704);
  expect(new Set(pocketVocabulary).size).toBe(704);
  expect(pocketFirstSpecialId).toBe(693);
  expect(encoder.special).toEqual({ pad: 693, user: 694, assistant: 695, end: 696 });
  expect(encoder.prompt("Ann has 7 cards.")).toMatchInlineSnapshot(`
    [
      694,
      364,
      294,
      32,
      55,
      435,
      46,
      695,
    ]
  `);
});

test("the same ids as @huggingface/tokenizers on 2,000 problems, and the text comes back", () => {
  for (const { question, solution } of pocketProblems({ split: "train", seed: "equal", count: 2000 })) {
    const prompt = encoder.prompt(question);
    const answer = encoder.answer(solution);
    expect(prompt).toEqual(reference.encode(`<|user|>${question}<|assistant|>`).ids);
    expect(answer).toEqual(reference.encode(`${solution}<|end|>`).ids);
    expect(decodePocket(prompt)).toBe(question);
    expect(reference.decode(answer, { skip_special_tokens: true })).toBe(solution);
  }
});

test("any text encodes as the reference does and comes back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), (raw) => {
      const normal = raw.normalize("NFC");
      expect(encoder.encode(normal)).toEqual(reference.encode(normal).ids);
      expect(decodePocket(encoder.encode(normal))).toBe(normal);
    }),
  );
});

test("special, reserved and unknown ids decode to nothing, bytes that are no text to U+FFFD", () => {
  expect(decodePocket([...encoder.encode("left"), 696, 703, 9999])).toBe("left");
  expect(decodePocket([0xe3])).not.toBe("");
});
