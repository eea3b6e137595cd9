import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { dequantize } from "../../src/checkpoint/dequantize.ts";
import type { MedicineRecord } from "../../src/runs/records.ts";
import { memorySource } from "../../src/models/model-source.ts";
import { loadModel, startModel } from "../../src/models/model.ts";
import type { TrainingSequence } from "../../src/training/batches.ts";
import { distillation } from "../../src/training/distillation.ts";
import type { TrainingEvent } from "../../src/training/events.ts";
import { ForwardSessions } from "../../src/training/forward-sessions.ts";
import { loraModel, mergeAdapters } from "../../src/training/lora-model.ts";
import { train } from "../../src/training/loop.ts";
import { modelParameters } from "../../src/training/model-parameters.ts";
import { segmentOf, type FlatParameters } from "../../src/training/parameters.ts";
import {
  fakeQuantizedModel,
  isFullPrecision,
  keepScalesPositive,
  settleQuantization,
} from "../../src/training/qat.ts";
import { readAdapter } from "../../src/training/read-adapter.ts";
import { saveModel } from "../../src/training/save-model.ts";
import { decodeSequences } from "../../src/training/sequence-graph.ts";
import type { SolutionEncoder } from "../../src/training/solution-sequences.ts";
import { trainAdapter } from "../../src/training/train-adapter.ts";
import { trainQat } from "../../src/training/train-qat.ts";
import { denseModel, type TrainableModel } from "../../src/training/trainable-model.ts";
import { consume } from "../../src/util/consume.ts";
import { randomStream } from "../../src/util/random.ts";
import { randomMatrices, randomParameters, smallConfig } from "../random-model.ts";
import { quantizedModelWriter } from "../../src/checkpoint/quantized-model-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "bitmend-restoration-"));
afterAll(() => rmSync(folder, { recursive: true }));

const tokenIds = Array.from({ length: 33 }, (_, index) => (index * 37 + 11) % smallConfig.vocabularySize);
const grid = { bits: 3, groupSize: 64, symmetric: false } as const;
const schedule = { kind: "constant", peak: 1e-3 } as const;

function fullParameters(): FlatParameters {
  const parameters = modelParameters(smallConfig);
  const values = randomParameters(smallConfig, 1);
  for (const segment of parameters.segments) {
    segmentOf(parameters.values, segment).set(values.get(segment.name)!);
  }
  return parameters;
}

function sequencesAt(step: number): TrainingSequence[] {
  const random = randomStream(step, "sequences");
  return Array.from({ length: 4 }, () => {
    const ids = Array.from({ length: 20 }, () => random.integer(smallConfig.vocabularySize));
    return { tokenIds: ids, weights: ids.map(() => 1) };
  });
}

/** [tokens - 1, vocabulary] by the graph that training differentiates. */
async function trainingLogits(model: TrainableModel): Promise<Float32Array> {
  await using sessions = await ForwardSessions.start({
    model,
    outputs: (sequences, parts) => {
      const { hidden, logits } = decodeSequences(sequences, parts);
      return { logits: logits(hidden) };
    },
  });
  const sequence = { tokenIds, weights: tokenIds.map(() => 1) };
  for await (const { outputs } of sessions.run([sequence], { tokensPerBatch: 32 })) {
    return outputs["logits"]!.data as Float32Array;
  }
  throw new Error("no batch");
}

async function runnableLogits(directory: string, adapter?: string): Promise<Float32Array> {
  const adapters = adapter === undefined ? {} : { adapters: readAdapter(adapter, smallConfig) };
  await using model = await loadModel(directory, { threads: 1, ...adapters });
  const [decoder] = model.openDecoders({ slots: 2, capacity: tokenIds.length, wantsLogits: true });
  return decoder!.logits(tokenIds.slice(0, -1));
}

/** A full-precision directory and a random 3-bit one. */
function directories(): { full: string; quantized: string; folded: string } {
  const full = join(folder, "full");
  const rawConfig = {
    model_type: "qwen3",
    vocab_size: 96,
    hidden_size: 128,
    intermediate_size: 256,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 32,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    max_position_embeddings: 128,
    tie_word_embeddings: true,
  };
  saveModel(full, { parameters: fullParameters(), rawConfig });
  const source = openCheckpoint(full);
  const write = (name: string, scale: number): string => {
    const matrices = randomMatrices(smallConfig, grid, 2);
    const schemes = new Map([...matrices.keys()].map((module) => [module, grid]));
    const directory = join(folder, name);
    const writer = quantizedModelWriter({ source, directory, schemes, identity: "random" });
    for (const layer of [0, 1]) {
      const own = [...matrices].filter(([module]) => module.startsWith(`model.layers.${layer}.`));
      const norm = `model.layers.${layer}.input_layernorm.weight`;
      const folded = own.map(([module, matrix]): (typeof own)[number] => {
        if (!/[qkv]_proj$/u.test(module)) return [module, matrix];
        return [module, { ...matrix, scales: matrix.scales.map((each) => each / scale) }];
      });
      const replacements = new Map([[norm, source.readFloat32(norm).map((gain) => gain * scale)]]);
      writer.writeShard(layer, { matrices: new Map(folded), replacements });
    }
    writer.writeShard(null, { matrices: new Map() });
    writer.finish();
    return directory;
  };
  return { full, quantized: write("quantized", 1), folded: write("folded", 2) };
}
const { full, quantized, folded } = directories();

describe.each([2, 3, 4] as const)("quantization-aware training at %i bits", (bits) => {
  test.each([true, false])(
    "fake-quantized logits are those of the low-bit model, symmetric %s",
    async (symmetric) => {
      const matrices = randomMatrices(smallConfig, { bits, groupSize: 64, symmetric }, 2);
      const teacher = fullParameters();
      const embeddingRate = symmetric ? 0 : 1;
      const start = { config: smallConfig, full: teacher, quantized: matrices, embeddingRate };
      const model = fakeQuantizedModel(start);
      const objective = distillation(model, { teacher, sequencesAt });
      const optimization = { steps: 3, workers: 1, schedule: { ...schedule, peak: 1e-2 } };
      await consume(train({ model, objective, optimization, project: keepScalesPositive }));
      const settled = settleQuantization(model, matrices);
      const changed = [...settled].filter(([module, { codes }]) => {
        const before = matrices.get(module)!.codes;
        return codes.some((code, index) => code !== before[index]);
      });
      expect(changed.length).toBeGreaterThan(0);
      const parameters = new Map(
        teacher.segments.map((segment) => [segment.name, segmentOf(teacher.values, segment)]),
      );
      for (const segment of model.parameters.segments) {
        if (isFullPrecision(segment.name, matrices))
          parameters.set(segment.name, segmentOf(model.parameters.values, segment));
      }
      const source = memorySource({ config: smallConfig, parameters, quantized: settled });
      await using runnable = await startModel(source, { threads: 1 });
      const [decoder] = runnable.openDecoders({ slots: 2, capacity: tokenIds.length, wantsLogits: true });
      const lowBit = await decoder!.logits(tokenIds.slice(0, -1));
      expect(await trainingLogits(model)).toBeAllClose(lowBit, { absolute: 1e-4, relative: 0 });
    },
  );
});

test.each(["quantized", "clamped"] as const)(
  "a %s start means the quantized model exactly",
  async (latent) => {
    const matrices = randomMatrices(smallConfig, grid, 2);
    const teacher = fullParameters();
    const model = fakeQuantizedModel({ config: smallConfig, full: teacher, quantized: matrices, latent });
    const restored = fullParameters();
    for (const [module, matrix] of matrices) {
      const segment = restored.segments.find(({ name }) => name === `${module}.weight`)!;
      segmentOf(restored.values, segment).set(dequantize(matrix));
    }
    const expected = await trainingLogits(denseModel(smallConfig, restored));
    expect(await trainingLogits(model)).toBeAllClose(expected, { absolute: 1e-5, relative: 0 });
  },
);

test("trainQat lowers the divergence, and a killed run ends with the same files", async () => {
  const common = {
    full: openCheckpoint(full),
    start: openCheckpoint(quantized),
    identity: "test",
    sequencesAt,
    optimization: { steps: 12, workers: 2, schedule },
    checkpointSteps: 5,
  };
  const losses: number[] = [];
  const [directory, broken] = [join(folder, "qat"), join(folder, "qat-broken")];
  await consume(trainQat({ ...common, directory }), (event) => {
    if (event.type === "step") losses.push(event.loss);
  });
  expect(losses.at(-1)!).toBeLessThan(0.9 * losses[0]!);
  const controller = new AbortController();
  const stop = (event: TrainingEvent) => event.type === "step" && event.step === 7 && controller.abort();
  const first = await consume(
    trainQat({ ...common, directory: broken }, { signal: controller.signal }),
    stop,
  );
  expect(first).toMatchObject({ aborted: true, steps: 7 });
  await consume(trainQat({ ...common, directory: broken }));
  expect(await runnableLogits(broken)).toEqual(await runnableLogits(directory));
});

/** The loss before the first step of a QAT that starts from a directory. */
async function firstLoss(start: string): Promise<number> {
  const losses: number[] = [];
  const setup = {
    full: openCheckpoint(full),
    start: openCheckpoint(start),
    directory: join(folder, `first-${basename(start)}`),
    identity: "test",
    sequencesAt,
    optimization: { steps: 1, workers: 1, schedule },
  };
  await consume(trainQat(setup), (event) => {
    if (event.type === "step") losses.push(event.loss);
  });
  return losses[0]!;
}

test("trainQat starts from what its start computes, also where scales moved into a norm", async () => {
  expect(await firstLoss(folded)).toBeCloseTo(await firstLoss(quantized), 5);
});

/** Tokens are code points below 96. */
const encoder: SolutionEncoder = {
  encode: (text) => Array.from(text, (character) => character.charCodeAt(0) % 96),
  prompt: (question) => [1, ...Array.from(question, (character) => character.charCodeAt(0) % 96), 2],
  endTokenId: 0,
};
const medicine: MedicineRecord[] = Array.from({ length: 6 }, (_, index) => ({
  problem: `p${index}`,
  question: `question ${index}`,
  prefix: "first\n",
  chosen: `right ${index}\nend`,
  rejected: `wrong ${index}\nend`,
  type: "numerical-computation-error",
}));
const adapterSetup = {
  base: openCheckpoint(quantized),
  encoder,
  identity: "test",
  lora: { rank: 4, alpha: 8 },
  seed: 1,
  epochs: 5,
  batchSize: 6,
  optimization: { workers: 2, schedule: { kind: "constant", peak: 5e-3 } },
} as const;

test("DPO starts at ln 2 from the quantized model itself and learns every pair", async () => {
  const steps: Extract<TrainingEvent, { type: "step" }>[] = [];
  const directory = join(folder, "dpo");
  const lesson = { kind: "preference", medicine, beta: 0.3, likelihoodWeight: 1 } as const;
  await consume(trainAdapter({ ...adapterSetup, directory, lesson }), (event) => {
    if (event.type === "step") steps.push(event);
  });
  expect(steps[0]!.metrics["preference"]).toBeCloseTo(Math.LN2, 4);
  expect(steps[0]!.metrics["margin"]).toBeCloseTo(0, 4);
  expect(steps[0]!.loss).toBeCloseTo(Math.LN2 + steps[0]!.metrics["likelihood"]!, 4);
  expect(steps.at(-1)!.metrics["preferenceAccuracy"]).toBeCloseTo(1, 5);
  expect(steps.at(-1)!.metrics["likelihood"]).toBeLessThan(steps[0]!.metrics["likelihood"]!);
});

test("adapters: kept apart they run as trained, and merged they mean the same", async () => {
  const directory = join(folder, "sft");
  const solutions = medicine.map(({ problem, question, prefix, chosen }) => ({
    problem,
    question,
    solution: prefix + chosen,
  }));
  await consume(trainAdapter({ ...adapterSetup, directory, lesson: { kind: "imitation", solutions } }));
  const { modules, scaling } = readAdapter(directory, smallConfig);
  expect(scaling).toBe(2);
  const base = modelParameters(smallConfig);
  const checkpoint = openCheckpoint(quantized);
  for (const segment of base.segments) {
    const module = segment.name.replace(/\.weight$/v, "");
    const matrix = checkpoint.quantization!.has(module) ? dequantize(checkpoint.readQuantized(module)) : null;
    segmentOf(base.values, segment).set(matrix ?? checkpoint.readFloat32(segment.name));
  }
  const model = loraModel(smallConfig, base, { rank: 4, alpha: 8, seed: 99 });
  const before = await trainingLogits(model);
  expect(before).toBeAllClose(await runnableLogits(quantized), { absolute: 1e-4, relative: 0 });
  for (const segment of model.parameters.segments) {
    const module = modules.get(
      segment.name.replace("base_model.model.", "").replace(/\.lora_[AB]\.weight$/v, ""),
    )!;
    segmentOf(model.parameters.values, segment).set(
      segment.name.includes("lora_A") ? module.down : module.up,
    );
  }
  const apart = await trainingLogits(model);
  expect(apart).not.toBeAllClose(before, { absolute: 1e-2, relative: 0 });
  expect(await runnableLogits(quantized, directory)).toBeAllClose(apart, { absolute: 1e-4, relative: 0 });
  mergeAdapters(base, model.parameters, { rank: 4, alpha: 8 });
  const merged = await trainingLogits(denseModel(smallConfig, base));
  expect(merged).toBeAllClose(apart, { absolute: 1e-4, relative: 0 });
});

test("an adapter of another model is refused", () => {
  const other = { ...smallConfig, hiddenSize: 64 };
  expect(() => readAdapter(join(folder, "sft"), other)).toThrow(/q_proj is \[4, 128\] in F32/v);
});
