import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { bfloat16ToFloat32, float32ToBfloat16 } from "../../src/checkpoint/half-floats.ts";
import { writeModelDirectory } from "../../src/checkpoint/model-directory.ts";
import { quantizedModelWriter } from "../../src/checkpoint/quantized-model-writer.ts";
import { memorySource } from "../../src/models/model-source.ts";
import { loadModel, startModel, type Model } from "../../src/models/model.ts";
import { parameterSites } from "../../src/models/parameter-sites.ts";
import { randomMatrices, randomParameters, smallConfig } from "../random-model.ts";

const tokenIds = Array.from(
  { length: 30 },
  (_, position) => (position * 31 + 5) % smallConfig.vocabularySize,
);
const config = {
  model_type: "qwen3",
  vocab_size: 96,
  hidden_size: 128,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  rope_parameters: { rope_type: "default", rope_theta: 10_000 },
  max_position_embeddings: 128,
  tie_word_embeddings: true,
};
const grid = { bits: 3, groupSize: 64, symmetric: false } as const;
const root = mkdtempSync(join(tmpdir(), "bitmend-stored-"));
const full = join(root, "full");
const lowBit = join(root, "low-bit");
const parameters = new Map(
  [...randomParameters(smallConfig, 1)].map(([name, values]) => [
    name,
    bfloat16ToFloat32(float32ToBfloat16(values)),
  ]),
);
const quantized = randomMatrices(smallConfig, grid, 2);

beforeAll(() => {
  const tensors = parameterSites(smallConfig).map(({ name, shape }) => {
    const data = new Uint8Array(float32ToBfloat16(parameters.get(name)!).buffer);
    return { name, dataType: "BF16", shape, data } as const;
  });
  writeModelDirectory(full, { config, tensors });
  const schemes = new Map([...quantized.keys()].map((module) => [module, grid]));
  const writer = quantizedModelWriter({
    source: openCheckpoint(full),
    directory: lowBit,
    schemes,
    identity: "test",
  });
  for (const layer of [0, 1, null]) {
    const own = [...quantized].filter(([name]) => name.startsWith(`model.layers.${layer}.`));
    writer.writeShard(layer, { matrices: new Map(own) });
  }
  writer.finish();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function logitsOf(model: Model): Promise<Float32Array> {
  const [decoder] = model.openDecoders({ slots: 2, capacity: tokenIds.length, wantsLogits: true });
  return decoder!.logits(tokenIds);
}

describe("a model in files is the model in memory, bit for bit", () => {
  test("bf16, read in place", async () => {
    await using stored = await loadModel(full, { threads: 1 });
    await using held = await startModel(memorySource({ config: smallConfig, parameters }), { threads: 1 });
    expect(await logitsOf(stored)).toEqual(await logitsOf(held));
    expect(stored.weightBytes).toBe(held.weightBytes);
  });

  test("compressed-tensors of 3 bits in shards, which weighs less", async () => {
    await using stored = await loadModel(lowBit, { threads: 1 });
    await using held = await startModel(memorySource({ config: smallConfig, parameters, quantized }), {
      threads: 1,
    });
    expect(await logitsOf(stored)).toEqual(await logitsOf(held));
    await using whole = await loadModel(full, { threads: 1 });
    expect(stored.weightBytes).toBeLessThan(whole.weightBytes / 4);
  });
});

test("weights in place give rows that do not depend on their number", async () => {
  await using model = await loadModel(full, { threads: 2, workers: 1 });
  const rows = Array.from({ length: 64 }, (_, slot) => ({ tokenId: slot, position: 1 }));
  const run = async (count: number): Promise<Float32Array[]> => {
    const [decoder] = model.openDecoders({ slots: count, capacity: 8, wantsLogits: true });
    for (let slot = 0; slot < count; slot++) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- a decoder takes one call at a time
      await decoder!.prefill(slot, [slot + 7]);
    }
    return (await decoder!.step(rows.slice(0, count))).map(({ logits }) => logits!.slice());
  };
  const many = await run(64);
  expect(await run(1)).toEqual(many.slice(0, 1));
  expect(await run(5)).toSatisfy((few: Float32Array[]) =>
    few.slice(0, 5).every((row, index) => Buffer.from(row.buffer).equals(Buffer.from(many[index]!.buffer))),
  );
});

test("adapters run over low-bit weights: a zero update changes nothing, another does", async () => {
  const source = memorySource({ config: smallConfig, parameters, quantized });
  const module = "model.layers.1.mlp.down_proj";
  const adapter = { rank: 2, down: new Float32Array(2 * 256).fill(0.1) };
  const start = async (up: number): Promise<Model> =>
    startModel(source, {
      threads: 1,
      adapters: {
        scaling: 2,
        modules: new Map([[module, { ...adapter, up: new Float32Array(128 * 2).fill(up) }]]),
      },
    });
  await using plain = await startModel(source, { threads: 1 });
  await using zero = await start(0);
  await using some = await start(0.1);
  expect(await logitsOf(zero)).toEqual(await logitsOf(plain));
  expect(await logitsOf(some)).not.toEqual(await logitsOf(plain));
});
