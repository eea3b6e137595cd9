import { expect, test } from "vitest";
import type { Model } from "../models/model.ts";
import type { SlotDecoder } from "../models/slot-decoder.ts";
import { consume } from "../util/consume.ts";
import { smallConfig } from "../../test/random-model.ts";
import { perplexity } from "./perplexity.ts";

/** Four tokens; after token 0 the next one is 0 with probability 1/2 and each other with 1/6, else all are alike. */
const model: Model = {
  config: { ...smallConfig, vocabularySize: 4 },
  positions: 8,
  weightBytes: 0,
  workers: 1,
  openDecoders: () => [
    { slots: 1, logits, prefill: refuse, step: refuse, moveSlot: () => {} } satisfies SlotDecoder,
  ],
  [Symbol.asyncDispose]: async () => {},
};

async function logits(tokenIds: readonly number[]): Promise<Float32Array> {
  return Float32Array.from(
    tokenIds.flatMap((token) => (token === 0 ? [Math.log(3), 0, 0, 0] : [0, 0, 0, 0])),
  );
}

async function refuse(): Promise<never> {
  throw new Error("not asked for");
}

test("worked example: tokens that all are alike, and one likelier than the others", async () => {
  const alike = await consume(
    perplexity(model, [{ tokenIds: [1, 2, 3, 1] }, { tokenIds: [2, 0] }, { tokenIds: [3] }]),
  );
  expect(alike.perplexity).toBeCloseTo(4, 6);
  expect(alike).toMatchObject({ tokens: 4 });
  expect(alike.standardError).toBeCloseTo(0, 6);
  const mixed = await consume(perplexity(model, [{ tokenIds: [0, 0, 1] }]));
  expect(mixed.meanLoss).toBeCloseTo((Math.log(2) + Math.log(6)) / 2, 6);
  expect(mixed.standardError).toBeCloseTo((Math.log(6) - Math.log(2)) / 2 / Math.SQRT2, 6);
});

test("what does not count is left out, and a text of which nothing counts is refused", async () => {
  const answer = { tokenIds: [0, 1, 0, 0], counted: [false, false, true, true] };
  expect(await consume(perplexity(model, [answer]))).toMatchObject({ tokens: 1 });
  expect((await consume(perplexity(model, [answer]))).perplexity).toBeCloseTo(2, 6);
  await expect(consume(perplexity(model, [{ tokenIds: [1] }]))).rejects.toMatchObject({
    code: "generation/bad-request",
  });
});
