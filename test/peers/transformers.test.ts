/** @file The files bitmend ships and writes, read by the libraries they are meant for: transformers, compressed-tensors and PEFT. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openCheckpoint, type Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import { dequantize } from "../../src/checkpoint/dequantize.ts";
import { generate } from "../../src/generation/generate.ts";
import { loadLanguageModel } from "../../src/generation/language-model.ts";
import { checkpointSource, memorySource, type ModelSource } from "../../src/models/model-source.ts";
import { startModel, type ModelOptions } from "../../src/models/model.ts";
import { parameterSites } from "../../src/models/parameter-sites.ts";
import { quantizeCheckpoint } from "../../src/quantization/quantize-checkpoint.ts";
import { pocketProblems } from "../../src/tasks/pocket/pocket-problems.ts";
import { pocketTask } from "../../src/tasks/pocket/pocket-task.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { loraModel } from "../../src/training/lora-model.ts";
import { flatParameters, segmentOf } from "../../src/training/parameters.ts";
import { readAdapter } from "../../src/training/read-adapter.ts";
import { saveAdapter } from "../../src/training/save-adapter.ts";
import { consume } from "../../src/util/consume.ts";
import { randomStream } from "../../src/util/random.ts";
import { peersPython } from "../../tools/peers/environment.ts";
import { runTransformers, type PeerAnswer } from "../../tools/peers/run-transformers.ts";

const python = await peersPython();

const pocket = join(import.meta.dirname, "../../models/pocket");
const folder = mkdtempSync(join(tmpdir(), "bitmend-peers-"));
afterAll(() => rmSync(folder, { recursive: true }));

const tokenizer = loadTokenizer(pocket);
const maxNewTokens = 96;
/** One of every family on levels 1 and 2, and half of level 3. */
const problems = pocketProblems({ split: "test", seed: "peers", count: 20 });
const promptIds = problems.map((problem) =>
  tokenizer.encode(tokenizer.applyChatTemplate(pocketTask.messages(problem), { addGenerationPrompt: true })),
);
/** Prompt and right solution of a few problems. */
const sequences = [0, 9, 18].map((index) => [
  ...promptIds[index]!,
  ...tokenizer.encode(problems[index]!.solution),
]);

/**
 * Both sides compute in float32 from the same weights, so that only the order of sums differs: logits reach 30, where float32
 * resolves 2e-6, and every one is the end of four layers of sums of up to 128 products.
 */
const tolerance = { absolute: 1e-4, relative: 0 };

async function ourLogits(source: ModelSource, options: Partial<ModelOptions> = {}): Promise<Float32Array[]> {
  await using model = await startModel(source, { threads: 1, ...options });
  const capacity = Math.max(...sequences.map(({ length }) => length));
  const [decoder] = model.openDecoders({ slots: 1, capacity, wantsLogits: true });
  const logits: Float32Array[] = [];
  // oxlint-disable-next-line eslint/no-await-in-loop -- a decoder takes one call at a time
  for (const sequence of sequences) logits.push(Float32Array.from(await decoder!.logits(sequence)));
  return logits;
}

/** Checks every logit, and says how far apart they are. */
function compareLogits(ours: readonly Float32Array[], theirs: PeerAnswer): string {
  let worst = 0;
  for (const [index, row] of ours.entries()) {
    expect(row).toBeAllClose(theirs.logits[index]!, tolerance);
    worst = row.reduce(
      (most, logit, at) => Math.max(most, Math.abs(logit - theirs.logits[index]![at]!)),
      worst,
    );
  }
  return `largest difference of a logit ${worst.toExponential(1)} (${JSON.stringify(theirs.versions)})`;
}

/** A quantized model with every low-bit weight rounded to fp16. */
function roundedToHalf({ config, quantization, readFloat32, readQuantized }: Checkpoint): ModelSource {
  const parameters = parameterSites(config).map(({ name }): [string, Float32Array] => {
    const module = name.replace(/\.weight$/u, "");
    if (quantization?.has(module) !== true) return [name, readFloat32(name)];
    return [name, dequantize(readQuantized(module)).map((weight) => Math.f16round(weight))];
  });
  return memorySource({ config, parameters: new Map(parameters) });
}

const pocketSource = checkpointSource(openCheckpoint(pocket));

describe.skipIf(python === null)("the real readers", () => {
  test("transformers runs models/pocket as we do: prompts, logits, greedy completions", async ({
    annotate,
  }) => {
    const conversations = problems.map(({ question }) => question);
    const theirs = await runTransformers(python!, {
      directory: pocket,
      sequences,
      conversations,
      maxNewTokens,
    });
    await annotate(compareLogits(await ourLogits(pocketSource), theirs));
    expect(promptIds).toEqual(theirs.conversations.map((conversation) => conversation.promptIds));
    await using model = await loadLanguageModel(pocket, { threads: 1 });
    const requests = promptIds.map((ids, index) => ({ id: String(index), promptIds: ids, seed: 0 }));
    const completions: (readonly number[])[] = [];
    for await (const event of generate(model, requests, { maxNewTokens, slots: 8 })) {
      if (event.type === "completion") completions[Number(event.id)] = event.tokenIds;
    }
    expect(completions).toEqual(theirs.conversations.map(({ completionIds }) => completionIds));
  });

  // Decompressed on first use, codes times fp16 scales are exact in float32 (11 + 4 bits): the same weights on both sides. Decompressed
  // at load time they are fp16 products. Asymmetric models load only so: for the other way compressed-tensors 0.20 expects unpacked
  // zero points, which it never writes.
  test.for([
    { bits: 4, symmetric: true, atLoadTime: false },
    { bits: 3, symmetric: true, atLoadTime: false },
    { bits: 4, symmetric: false, atLoadTime: true },
    { bits: 3, symmetric: false, atLoadTime: true },
  ] as const)(
    "transformers runs what quantizeCheckpoint() writes: $bits bits, symmetric $symmetric",
    async ({ bits, symmetric, atLoadTime }, { annotate }) => {
      const directory = join(folder, `${bits}-${symmetric}`);
      const recipe = { method: "rtn", bits, groupSize: 64, symmetric, range: "minmax" } as const;
      await consume(quantizeCheckpoint(openCheckpoint(pocket), recipe, { directory, threads: 1 }));
      const checkpoint = openCheckpoint(directory);
      const source = atLoadTime ? roundedToHalf(checkpoint) : checkpointSource(checkpoint);
      const ours = await ourLogits(source);
      const theirs = await runTransformers(python!, { directory, sequences, dequantize: atLoadTime });
      await annotate(compareLogits(ours, theirs));
      expect(ours[0]).not.toBeAllClose((await ourLogits(pocketSource))[0]!, { absolute: 0.5, relative: 0 });
    },
  );

  test("PEFT runs an adapter that saveAdapter() wrote", async ({ annotate }) => {
    const directory = join(folder, "adapter");
    const { config } = pocketSource;
    const settings = { rank: 4, alpha: 8 };
    const { parameters } = loraModel(config, flatParameters([]), { ...settings, seed: 1 });
    // Untrained, B is zero and the adapter does nothing.
    const random = randomStream(1, "peers");
    for (const segment of parameters.segments.filter(({ name }) => name.includes("lora_B"))) {
      const { length } = segment;
      segmentOf(parameters.values, segment).set(Array.from({ length }, () => 0.1 * random.normal()));
    }
    saveAdapter(directory, parameters, { ...settings, baseModel: pocket });
    const ours = await ourLogits(pocketSource, { adapters: readAdapter(directory, config) });
    const theirs = await runTransformers(python!, { directory: pocket, sequences, adapter: directory });
    await annotate(compareLogits(ours, theirs));
    expect(ours[0]).not.toBeAllClose((await ourLogits(pocketSource))[0]!, { absolute: 0.5, relative: 0 });
  });
});
