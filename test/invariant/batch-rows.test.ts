import { describe, expect, test } from "vitest";
import { memorySource } from "../../src/models/model-source.ts";
import { startModel } from "../../src/models/model.ts";
import type { SlotDecoder } from "../../src/models/slot-decoder.ts";
import { randomStream } from "../../src/util/random.ts";
import { randomMatrices, randomParameters, smallConfig, type RandomGrid } from "../random-model.ts";

const prompts = Array.from({ length: 100 }, (_, index) => {
  const random = randomStream(index, "prompt");
  return Array.from({ length: 2 + random.integer(60) }, () => random.integer(smallConfig.vocabularySize));
});

/** Logits of the step that reads the last token of the chosen prompts, row by row. */
async function stepLogits(decoder: SlotDecoder, chosen: readonly number[]): Promise<Float32Array[]> {
  for (const [slot, prompt] of chosen.entries()) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- a decoder takes one call at a time
    await decoder.prefill(slot, prompts[prompt]!.slice(0, -1));
  }
  const rows = chosen.map((prompt) => {
    const position = prompts[prompt]!.length - 1;
    return { tokenId: prompts[prompt]![position]!, position };
  });
  return (await decoder.step(rows)).slice(0, chosen.length).map(({ logits }) => logits!.slice());
}

const grid = { groupSize: 32, symmetric: false } as const;
const models: readonly (readonly [string, RandomGrid | null])[] = [
  ["full precision", null],
  ["3 bits", { ...grid, bits: 3 }],
  ["8 bits", { ...grid, bits: 8 }],
  ["8 bits with rounded activations", { ...grid, bits: 8, groupSize: null, activations: "int8-per-token" }],
];

describe.each(models)("a row of a step of a model of %s", (_, model) => {
  test.each([1, 3])(
    "has the same bits at 2 to 128 rows, at any place, for any capacity, with %i threads",
    async (threads) => {
      const quantized = model === null ? new Map() : randomMatrices(smallConfig, model, 2);
      const source = memorySource({
        config: smallConfig,
        parameters: randomParameters(smallConfig, 1),
        quantized,
      });
      await using running = await startModel(source, { threads, workers: 1 });
      const open = (slots: number, capacity: number): SlotDecoder =>
        running.openDecoders({ slots, capacity, wantsLogits: true })[0]!;
      const everyPrompt = [...prompts.keys()];
      const expected = await stepLogits(open(128, 64), everyPrompt);
      const reversed = await stepLogits(open(128, 100), everyPrompt.toReversed());
      expect(reversed.toReversed()).toEqual(expected);
      for (const rows of [1, 2, 5, 16, 33]) {
        // oxlint-disable-next-line eslint/no-await-in-loop -- one session
        expect(await stepLogits(open(rows, 77), everyPrompt.slice(40, 40 + rows))).toEqual(
          expected.slice(40, 40 + rows),
        );
      }
    },
  );
});
