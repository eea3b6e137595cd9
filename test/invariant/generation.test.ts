import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generate, type GenerateOptions } from "../../src/generation/generate.ts";
import { withTokenizer, type LanguageModel } from "../../src/generation/language-model.ts";
import type { GenerationRequest } from "../../src/generation/requests.ts";
import { memorySource } from "../../src/models/model-source.ts";
import { startModel } from "../../src/models/model.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { randomStream } from "../../src/util/random.ts";
import { randomMatrices, randomParameters, smallConfig } from "../random-model.ts";

const random = randomStream(4, "prompts");
const requests: readonly GenerationRequest[] = Array.from({ length: 40 }, (_, index) => ({
  id: `problem ${index}`,
  seed: 42,
  promptIds: Array.from({ length: 1 + random.integer(40) }, () => random.integer(smallConfig.vocabularySize)),
}));

/** Token i is the character of code 32 + i. */
const tokenizer: Tokenizer = {
  encode: (text) => Array.from(text, (character) => character.codePointAt(0)! - 32),
  decode: (ids) => ids.map((id) => String.fromCodePoint(32 + id)).join(""),
  vocabularySize: 96,
  eosTokenIds: [7],
  documentFrame: { before: [], after: [] },
  hasChatTemplate: false,
  applyChatTemplate: () => "",
};

const modes = {
  greedy: {},
  sampled: { temperature: 0.8, topP: 0.95, topK: 30 },
  penalized: { repetitionPenalty: 1.2 },
} as const;

async function complete(
  model: LanguageModel,
  asked: readonly GenerationRequest[],
  options: Partial<GenerateOptions>,
): Promise<Record<string, readonly number[]>> {
  const completions: Record<string, readonly number[]> = {};
  for await (const event of generate(model, asked, { maxNewTokens: 24, ...options })) {
    if (event.type === "completion") completions[event.id] = event.tokenIds;
  }
  return completions;
}

describe.each([null, 2, 4, 8] as const)(
  "completions of a model of %s bits (null: full precision)",
  (bits) => {
    const models: LanguageModel[] = [];
    const start = async (threads: number, workers: number): Promise<void> => {
      const parameters = randomParameters(smallConfig, 1);
      const quantized =
        bits === null ? new Map() : randomMatrices(smallConfig, { bits, groupSize: 64, symmetric: false }, 2);
      const source = memorySource({ config: smallConfig, parameters, quantized });
      models.push(withTokenizer(await startModel(source, { threads, workers }), tokenizer));
    };
    beforeAll(async () => {
      await start(1, 1);
      await start(2, 2);
    });
    afterAll(async () => {
      await Promise.all(models.map(async (model) => model[Symbol.asyncDispose]()));
    });

    test.each(Object.entries(modes))(
      "%s: do not depend on batch, order, company or workers",
      async (_, sampling) => {
        const [single, double] = models as [LanguageModel, LanguageModel];
        const expected = await complete(single, requests, { sampling, slots: 32 });
        expect(Object.keys(expected).length).toBe(requests.length);
        expect(new Set(Object.values(expected).map(String)).size).toBeGreaterThan(30);
        expect(await complete(single, requests, { sampling, slots: 1 })).toEqual(expected);
        expect(await complete(single, requests.toReversed(), { sampling, slots: 7 })).toEqual(expected);
        expect(await complete(double, requests, { sampling, slots: 64 })).toEqual(expected);
        // A run that was killed half-way asks for the rest only.
        const rest = randomStream(9).shuffle(requests).slice(0, 13);
        const expectedRest = Object.fromEntries(rest.map(({ id }) => [id, expected[id]]));
        expect(await complete(double, rest, { sampling, slots: 16 })).toEqual(expectedRest);
      },
    );

    test("sampled: another seed gives other completions", async () => {
      const other = requests.map((request) => ({ ...request, seed: 43 }));
      const sampling = modes.sampled;
      expect(await complete(models[0]!, other, { sampling })).not.toEqual(
        await complete(models[0]!, requests, { sampling }),
      );
    });
  },
);
