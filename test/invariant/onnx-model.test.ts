import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { expectedTensors } from "../../src/checkpoint/expected-tensors.ts";
import type { Bits, QuantizedMatrix } from "../../src/checkpoint/quantized-matrix.ts";
import { EngineWorker, type EngineSession, type EngineTensor } from "../../src/engine/index.ts";
import { linearSites } from "../../src/models/linear-sites.ts";
import { startModel } from "../../src/models/model.ts";
import { checkpointSource, memorySource, type ModelSource } from "../../src/models/model-source.ts";
import { onnxSource } from "../../src/models/onnx-model/onnx-source.ts";
import { openOnnxModel } from "../../src/models/onnx-model/open-onnx-model.ts";
import { writeOnnxModel } from "../../src/models/onnx-model/write-onnx-model.ts";
import { spillWeights } from "../../src/models/spill-weights.ts";
import { consume } from "../../src/util/consume.ts";
import { randomStream } from "../../src/util/random.ts";
import { memoryCheckpoint, smallRawConfig } from "../memory-checkpoint.ts";
import { randomMatrix, randomParameters, type RandomGrid } from "../random-model.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-onnx-"));
afterAll(() => rmSync(work, { recursive: true }));
let number = 0;

async function exported(source: Checkpoint): Promise<string> {
  const directory = join(work, String(number++));
  await consume(writeOnnxModel({ source, directory }), () => {});
  return directory;
}

const grids: readonly RandomGrid[] = [
  ...([2, 3, 4, 5, 6, 8] satisfies Bits[]).flatMap((bits) =>
    [16, 32, 64, 128, null].flatMap((groupSize) =>
      [true, false].map((symmetric) => ({ bits, groupSize, symmetric })),
    ),
  ),
  { bits: 8, groupSize: null, symmetric: true, activations: "int8-per-token" },
  { bits: 4, groupSize: 32, symmetric: true, activations: "int8-per-token" },
];

/** A model whose modules, a quantized embedding that is the head too among them, have grids `first`, `first + 1` and so on. */
function mixedModel(first: number): { checkpoint: Checkpoint; source: ModelSource } {
  const plain = memoryCheckpoint({ rawConfig: smallRawConfig, parameters: new Map(), matrices: new Map() });
  const { config } = plain;
  const parameters = randomParameters(config, first);
  const table = {
    name: "model.embed_tokens",
    outFeatures: config.vocabularySize,
    inFeatures: config.hiddenSize,
  };
  const matrices = new Map<string, QuantizedMatrix>(
    [...linearSites(config), table].map((site, index) => [
      site.name,
      randomMatrix(site, grids[(first + index) % grids.length]!, first),
    ]),
  );
  const checkpoint = memoryCheckpoint({ rawConfig: smallRawConfig, parameters, matrices });
  const embedding = checkpoint.readFloat32("model.embed_tokens.weight");
  const source = memorySource({
    config,
    parameters: new Map([...parameters, ["model.embed_tokens.weight", embedding]]),
    quantized: matrices,
  });
  return { checkpoint, source };
}

describe("export and import are bit for bit", () => {
  test.each(Array.from({ length: 5 }, (_, round) => [round * 13] as const))(
    "low-bit weights of all widths, groups and symmetries, from grid %i on",
    async (first) => {
      const { checkpoint } = mixedModel(first);
      const read = openOnnxModel(await exported(checkpoint));
      expect([...read.quantization!.keys()].toSorted()).toEqual(
        [...checkpoint.quantization!.keys()].toSorted(),
      );
      for (const [module, { scheme }] of checkpoint.quantization!) {
        expect(read.quantization!.get(module)!.scheme).toEqual(scheme);
        expect(read.readQuantized(module)).toEqual(checkpoint.readQuantized(module));
      }
      for (const name of expectedTensors(read.config).keys())
        expect(read.readFloat32(name)).toEqual(checkpoint.readFloat32(name));
      expect(read.unexpectedTensors).toEqual([]);
      // And again: the second export has the same bytes.
      const [once, twice] = [read.directory, await exported(read)];
      for (const file of ["model.onnx", "model.onnx_data"])
        expect(readFileSync(join(twice, "onnx", file)).equals(readFileSync(join(once, "onnx", file)))).toBe(
          true,
        );
    },
  );

  test.each(["llama", "llama-bias-linear", "qwen2", "qwen3"])(
    "floats in their own type: %s",
    async (model) => {
      const source = openCheckpoint(join(import.meta.dirname, "../golden/tiny", model));
      const read = openOnnxModel(await exported(source));
      for (const [name, { dataType, shape }] of source.tensors) {
        expect(read.tensors.get(name)).toMatchObject({ dataType, shape });
        expect(read.readFloat32(name)).toEqual(source.readFloat32(name));
      }
      expect(read.quantization).toBeNull();
    },
  );
});

function long(values: readonly number[]): EngineTensor {
  return { dataType: "i64", shape: [1, values.length], data: BigInt64Array.from(values, BigInt) };
}

/** One run of an exported model on one sequence; `pasts` are the last run's outputs. */
async function run(
  session: EngineSession,
  tokenIds: readonly number[],
  { past, pasts }: { readonly past: number; readonly pasts: Readonly<Record<string, EngineTensor>> },
): Promise<Record<string, EngineTensor>> {
  const caches = Object.entries(session.inputs).flatMap(([name, { shape }]) => {
    if (!name.startsWith("past_key_values")) return [];
    const empty = {
      dataType: "f32",
      shape: [1, Number(shape[1]), 0, Number(shape[3])],
      data: new Float32Array(),
    };
    return [[name, pasts[name.replace("past_key_values", "present")] ?? (empty as EngineTensor)]];
  });
  return session.run({
    input_ids: long(tokenIds),
    attention_mask: long(Array.from({ length: past + tokenIds.length }, () => 1)),
    position_ids: long(tokenIds.map((_, index) => past + index)),
    ...Object.fromEntries(caches),
  });
}

/** Logits of all tokens: the first `prompt` at once, then one by one over the cache. */
async function exportedLogits(
  directory: string,
  tokenIds: readonly number[],
  prompt: number,
): Promise<number[]> {
  await using worker = await EngineWorker.start({ threads: 1 });
  const folder = join(directory, "onnx");
  const session = await worker.load(readFileSync(join(folder, "model.onnx")), { externalDataFolder: folder });
  let outputs = await run(session, tokenIds.slice(0, prompt), { past: 0, pasts: {} });
  const logits = Array.from(outputs["logits"]!.data, Number);
  for (let past = prompt; past < tokenIds.length; past++) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- every step depends on the one before
    outputs = await run(session, [tokenIds[past]!], { past, pasts: outputs });
    logits.push(...Array.from(outputs["logits"]!.data, Number));
  }
  return logits;
}

async function ownLogits(source: ModelSource, tokenIds: readonly number[]): Promise<Float32Array> {
  await using model = await startModel(source, { threads: 1 });
  const [decoder] = model.openDecoders({ slots: 2, capacity: tokenIds.length, wantsLogits: true });
  return (await decoder!.logits(tokenIds)).slice();
}

describe("an exported model in ONNX Runtime gives our logits, prompts and steps over its cache", () => {
  const random = randomStream(1, "tokens");
  const sequence = (length: number, limit: number): number[] =>
    Array.from({ length }, () => random.integer(limit));

  test.each([
    ["llama", 30],
    ["llama-bias-linear", 30],
    ["qwen2", 30],
    ["qwen2-dynamic", 8],
    ["qwen3", 30],
  ] as const)("%s in its own floats", async (model, length) => {
    const source = openCheckpoint(join(import.meta.dirname, "../golden/tiny", model));
    const tokenIds = sequence(length, source.config.vocabularySize);
    const logits = await exportedLogits(await exported(source), tokenIds, length - 5);
    expect(logits).toBeAllClose(await ownLogits(checkpointSource(source), tokenIds), { absolute: 1e-5 });
  });

  test.each([0, 13, 26, 39])("low bits, from grid %i on", async (first) => {
    const { checkpoint, source } = mixedModel(first);
    const tokenIds = sequence(40, source.config.vocabularySize);
    const directory = await exported(checkpoint);
    const expected = await ownLogits(source, tokenIds);
    expect(await exportedLogits(directory, tokenIds, 35)).toBeAllClose(expected, {
      absolute: 1e-4,
      relative: 0,
    });
    const read = openOnnxModel(directory);
    expect(await ownLogits(checkpointSource(read), tokenIds)).toEqual(expected);
    expect(await ownLogits(onnxSource(read), tokenIds)).toEqual(expected);
  });

  test("rounded activations: the whole prompt at once has our bits", async () => {
    const { checkpoint, source } = mixedModel(55);
    const tokenIds = sequence(40, source.config.vocabularySize);
    const logits = await exportedLogits(await exported(checkpoint), tokenIds, tokenIds.length);
    expect(logits).toEqual(Array.from(await ownLogits(source, tokenIds)));
  });
});

test("a group size that no operator runs is refused before any file, with every module", async () => {
  const { checkpoint } = mixedModel(0);
  const module = "model.layers.0.self_attn.k_proj";
  const changed = {
    ...checkpoint.quantization!.get(module)!,
    scheme: { bits: 4, groupSize: 8, symmetric: true } as const,
  };
  const quantization = new Map(checkpoint.quantization).set(module, changed);
  const directory = join(work, "refused");
  await expect(
    consume(writeOnnxModel({ source: { ...checkpoint, quantization }, directory }), () => {}),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[BitmendError: writeOnnxModel(): expected group sizes divisible by 16, or whole rows, got others in model.layers.0.self_attn.k_proj (8). Choose another format, or quantize the original model with another group size.]`,
  );
  expect(existsSync(directory)).toBe(false);
});

test("an interrupted export leaves no unfinished file", async () => {
  const { checkpoint } = mixedModel(0);
  const interruption = new AbortController();
  const directory = join(work, "interrupted");
  const writing = consume(
    writeOnnxModel({ source: checkpoint, directory, signal: interruption.signal }),
    () => interruption.abort(),
  );
  await expect(writing).rejects.toThrow("abort");
  expect(existsSync(join(directory, "onnx", "model.onnx_data.partial"))).toBe(false);
  expect(existsSync(join(directory, "config.json"))).toBe(false);
});

test("weights that go through a file give the bits of weights in the model's message, and leave nothing behind", async () => {
  const { checkpoint, source } = mixedModel(7);
  const tokenIds = Array.from({ length: 20 }, (_, index) => (index * 37) % source.config.vocabularySize);
  const expected = await ownLogits(source, tokenIds);
  const spilled = await spillWeights(checkpoint);
  const folder = spilled.source.externalDataFolder!;
  await using model = await startModel(spilled.source, { threads: 1 });
  spilled[Symbol.dispose]();
  expect(existsSync(folder)).toBe(false);
  const [decoder] = model.openDecoders({ slots: 2, capacity: tokenIds.length, wantsLogits: true });
  expect(await decoder!.logits(tokenIds)).toEqual(expected);
});
