/** @file The model that bitmend ships and the adapters that it writes, run by transformers and PEFT. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { generate } from "../../src/generation/generate.ts";
import { loadLanguageModel } from "../../src/generation/language-model.ts";
import { checkpointSource, type ModelSource } from "../../src/models/model-source.ts";
import type { ModelOptions } from "../../src/models/model.ts";
import { pocketProblems } from "../../src/tasks/pocket/pocket-problems.ts";
import { pocketTask } from "../../src/tasks/pocket/pocket-task.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { loraModel } from "../../src/training/lora-model.ts";
import { flatParameters, segmentOf } from "../../src/training/parameters.ts";
import { readAdapter } from "../../src/training/read-adapter.ts";
import { saveAdapter } from "../../src/training/save-adapter.ts";
import { randomStream } from "../../src/util/random.ts";
import { peersPython } from "../../tools/peers/environment.ts";
import { readWithPeer, type ReaderJob, type ReaderResult } from "../../tools/peers/run-peer.ts";
import { distance, ourAnswers } from "./our-answers.ts";

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
const tolerance = 1e-4;

/** What transformers answers, and in words with which versions. */
async function runTransformers(
  job: { readonly directory: string } & Omit<ReaderJob, "sequences" | "directory">,
): Promise<ReaderResult & { readonly versions: string }> {
  const { results, versions } = await readWithPeer(python!, "transformers", [{ ...job, sequences }]);
  return { ...results[0]!, versions: JSON.stringify(versions) };
}

async function ourLogits(
  source: ModelSource,
  options: Partial<ModelOptions> = {},
): Promise<readonly Float32Array[]> {
  const { logits } = await ourAnswers(source, { sequences }, options);
  return logits;
}

/** Checks every logit, and says how far apart they are. */
function compareLogits(
  ours: readonly Float32Array[],
  theirs: ReaderResult & { readonly versions: string },
): string {
  const { largest } = distance(ours, theirs.logits);
  expect(largest).toBeLessThan(tolerance);
  return `largest difference of a logit ${largest.toExponential(1)} (${theirs.versions})`;
}

const pocketSource = checkpointSource(openCheckpoint(pocket));

describe.skipIf(python === null)("the real readers", () => {
  test("transformers runs models/pocket as we do: prompts, logits, greedy completions", async ({
    annotate,
  }) => {
    const conversations = problems.map(({ question }) => question);
    const theirs = await runTransformers({ directory: pocket, conversations, maxNewTokens });
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
    const theirs = await runTransformers({ directory: pocket, adapter: directory });
    await annotate(compareLogits(ours, theirs));
    expect(ours[0]).not.toBeAllClose((await ourLogits(pocketSource))[0]!, { absolute: 0.5, relative: 0 });
  });
});
