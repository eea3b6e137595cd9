import { array, assert, asyncProperty, integer } from "fast-check";
import { describe, expect, test } from "vitest";
import { CountingDecoder } from "../../test/counting-decoder.ts";
import { smallConfig } from "../../test/random-model.ts";
import type { CompletionEvent } from "./events.ts";
import { generate } from "./generate.ts";
import type { LanguageModel } from "./language-model.ts";
import { thinkWithin } from "./think-within.ts";

/** Token 12 ends a completion; words are numbers. */
function countingModel({ positions = 1000 } = {}): LanguageModel {
  return {
    config: { ...smallConfig, vocabularySize: 1000 },
    positions,
    weightBytes: 0,
    workers: 1,
    openDecoders: ({ slots }) => [new CountingDecoder(slots)],
    tokenizer: {
      encode: (text) => text.trim().split(" ").map(Number),
      decode: (tokenIds) => tokenIds.map((tokenId) => `${tokenId} `).join(""),
      vocabularySize: 1000,
      eosTokenIds: [12],
      documentFrame: { before: [], after: [] },
      hasChatTemplate: false,
      applyChatTemplate: () => "",
    },
    stopTokenIds: [12],
    [Symbol.asyncDispose]: async () => {},
  };
}

const request = (first: number) => ({ id: `${first}`, promptIds: [first], seed: 0 });

async function completions(events: AsyncGenerator<{ readonly type: string }, unknown, void>) {
  const found = new Map<string, Pick<CompletionEvent, "tokenIds" | "text" | "finish">>();
  for await (const event of events) {
    if (event.type !== "completion") continue;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its type says so
    const { id, tokenIds, text, finish } = event as CompletionEvent;
    expect(found.has(id)).toBe(false);
    found.set(id, { tokenIds, text, finish });
  }
  return found;
}

describe("thinkWithin", () => {
  test("worked example: thoughts of three tokens, closed by 7 8, then two tokens of answer", async () => {
    // The next token is the last one plus the prompt's first.
    const budget = { tokens: 3, closing: (text: string) => (text.startsWith("2 ") ? "7 8 " : null) };
    const found = await completions(
      thinkWithin(countingModel(), [request(1), request(4), request(5), request(3)], {
        budget,
        maxNewTokens: 2,
      }),
    );
    expect(Object.fromEntries(found)).toEqual({
      1: { tokenIds: [2, 3, 4, 7, 8, 9, 10], text: "2 3 4 7 8 9 10 ", finish: "length" },
      // Over within the budget: as it is.
      4: { tokenIds: [8], text: "8 ", finish: "stop" },
      // No open thoughts: it goes on without closing words.
      5: { tokenIds: [10, 15, 20, 25, 30], text: "10 15 20 25 30 ", finish: "length" },
      3: { tokenIds: [6, 9], text: "6 9 ", finish: "stop" },
    });
  });

  test("a stop string of the answer is cut off, the thoughts stay whole", async () => {
    const found = await completions(
      thinkWithin(countingModel(), [request(1)], {
        budget: { tokens: 3, closing: () => "20 " },
        maxNewTokens: 9,
        stop: { strings: ["23"] },
      }),
    );
    expect(found.get("1")).toMatchObject({ text: "2 3 4 20 21 22 ", finish: "stop" });
  });

  test("property: where nothing is closed, budget and answer are one completion of both lengths", async () => {
    const lengths = integer({ min: 1, max: 6 });
    await assert(
      asyncProperty(
        array(integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
        lengths,
        lengths,
        async (starts, tokens, maxNewTokens) => {
          const requests = [...new Set(starts)].map(request);
          const budget = { tokens, closing: () => null };
          const split = await completions(thinkWithin(countingModel(), requests, { budget, maxNewTokens }));
          const whole = await completions(
            generate(countingModel(), requests, { maxNewTokens: tokens + maxNewTokens }),
          );
          expect(split).toEqual(whole);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("thoughts and answer that do not fit the model are refused before any work", async () => {
    const model = { ...countingModel({ positions: 70 }), openDecoders: () => expect.unreachable() };
    const events = thinkWithin(model, [request(1)], {
      budget: { tokens: 4, closing: () => null },
      maxNewTokens: 2,
    });
    await expect(completions(events)).rejects.toThrow(
      expect.objectContaining({ code: "generation/bad-request" }),
    );
  });
});
