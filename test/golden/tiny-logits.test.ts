import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { scoreTokens } from "../../src/generation/score-tokens.ts";
import { loadModel, type Model } from "../../src/models/model.ts";
import { checkpointSource } from "../../src/models/model-source.ts";
import { fullSequenceLogits } from "../full-sequence-logits.ts";

const tiny = join(import.meta.dirname, "tiny");

interface Golden {
  readonly source: { readonly program: string };
  readonly tokenIds: readonly number[];
  readonly logits: readonly number[];
}

describe.each(readdirSync(tiny))("logits of %s", (name) => {
  const directory = join(tiny, name);
  const golden = JSON.parse(readFileSync(join(directory, "logits.json"), "utf8")) as Golden;
  const { tokenIds } = golden;
  let model: Model;

  beforeAll(async () => {
    // Dynamic scaling depends on the length of the table; the golden run's is that of its sequence.
    model = await loadModel(directory, { threads: 1, positions: tokenIds.length });
  });
  afterAll(async () => model[Symbol.asyncDispose]());

  test(`over the whole sequence are those of ${golden.source.program}`, async () => {
    const logits = await fullSequenceLogits(checkpointSource(openCheckpoint(directory)), tokenIds);
    expect(logits).toBeAllClose(golden.logits, { absolute: 1e-4, relative: 0 });
  });

  test("over a cache are those of the whole sequence", async () => {
    const whole = await fullSequenceLogits(checkpointSource(openCheckpoint(directory)), tokenIds);
    const [decoder] = model.openDecoders({ slots: 2, capacity: tokenIds.length, wantsLogits: true });
    expect(await decoder!.logits(tokenIds)).toBeAllClose(whole, { absolute: 1e-5, relative: 1e-5 });
  });

  test("step by step are those of the whole sequence", async () => {
    const whole = await fullSequenceLogits(checkpointSource(openCheckpoint(directory)), tokenIds);
    const [decoder] = model.openDecoders({ slots: 2, capacity: tokenIds.length, wantsLogits: true });
    const width = model.config.vocabularySize;
    for (const [position, tokenId] of tokenIds.entries()) {
      const begins = position === 0;
      // oxlint-disable-next-line eslint/no-await-in-loop -- every step depends on the one before
      const next = await (begins ? decoder!.prefill(0, [tokenId]) : decoder!.step([{ tokenId, position }]));
      const expected = whole.subarray(position * width, (position + 1) * width);
      expect([next].flat()[0]!.logits!).toBeAllClose(expected, { absolute: 1e-5, relative: 1e-5 });
    }
  });

  test("score given tokens by their log-softmax", async () => {
    const width = model.config.vocabularySize;
    const [promptIds, scored] = [tokenIds.slice(0, 5), tokenIds.slice(5)];
    const expected = scored.map((tokenId, index) => {
      const row = golden.logits.slice((index + 4) * width, (index + 5) * width);
      return row[tokenId]! - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
    });
    for await (const { logProbabilities } of scoreTokens(model, [
      { id: "sequence", promptIds, tokenIds: scored },
    ])) {
      expect(logProbabilities).toBeAllClose(expected, { absolute: 1e-4, relative: 0 });
    }
  });
});
