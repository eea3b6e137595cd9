import { describe, expect, test } from "vitest";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { chatLogprobs, completionLogprobs, TokenTexts } from "./token-text.ts";

/** Words; the first one of a text loses its space, as with SentencePiece. 3 and 4 are the two bytes of "é". */
const words = [" a", " b", " c"];
const tokenizer: Tokenizer = {
  encode: () => [0],
  decode: (ids) =>
    Buffer.concat(ids.map((id) => (id < 3 ? Buffer.from(words[id]!) : Buffer.from([id === 3 ? 0xc3 : 0xa9]))))
      .toString()
      .replace(/^ /u, ""),
  vocabularySize: 5,
  eosTokenIds: [],
  documentFrame: { before: [], after: [] },
  hasChatTemplate: false,
  applyChatTemplate: () => "",
};
const texts = new TokenTexts(tokenizer);

describe("tokens as text", () => {
  test("keep the space that stands before them, and say when they are part of a character", () => {
    expect([0, 1, 2, 3].map((id) => texts.of(id))).toEqual([" a", " b", " c", "\u{FFFD}"]);
  });

  test("worked example: a completion's log probabilities", () => {
    const tokens = [
      { tokenId: 1, score: null },
      {
        tokenId: 2,
        score: { tokenId: 2, logProbability: -2, likeliest: [{ tokenId: 0, logProbability: -1 }] },
      },
    ];
    expect(completionLogprobs(tokens, { texts, offset: 10 })).toEqual({
      tokens: [" b", " c"],
      token_logprobs: [null, -2],
      // The token itself is always there: evaluators look whether it is the likeliest.
      top_logprobs: [null, { " a": -1, " c": -2 }],
      text_offset: [10, 12],
    });
  });

  test("of tokens that are written alike the likeliest counts", () => {
    const likeliest = [
      { tokenId: 3, logProbability: -1 },
      { tokenId: 4, logProbability: -2 },
    ];
    const score = { tokenId: 4, logProbability: -2, likeliest };
    expect(completionLogprobs([{ tokenId: 4, score }], { texts, offset: 0 })).toMatchObject({
      token_logprobs: [-2],
      top_logprobs: [{ "\u{FFFD}": -1 }],
    });
    expect(chatLogprobs([{ tokenId: 4, score }], texts)).toMatchObject({
      content: [
        { token: "\u{FFFD}", logprob: -2, bytes: null, top_logprobs: [{ logprob: -1 }, { logprob: -2 }] },
      ],
    });
  });
});
