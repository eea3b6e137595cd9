import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { ModelConfig } from "../../src/checkpoint/model-config.ts";
import type { TrainingSequence } from "../../src/training/batches.ts";
import { distillation } from "../../src/training/distillation.ts";
import { exactMatches, startExactMatch } from "../../src/training/exact-match.ts";
import type { TrainingEvent } from "../../src/training/events.ts";
import { GradientWorkers } from "../../src/training/gradient-workers.ts";
import { languageModelling } from "../../src/training/language-modelling.ts";
import { train, type TrainingSetup } from "../../src/training/loop.ts";
import { initializeModelParameters } from "../../src/training/model-parameters.ts";
import { denseModel } from "../../src/training/trainable-model.ts";
import { consume } from "../../src/util/consume.ts";
import { randomStream } from "../../src/util/random.ts";
import { smallConfig } from "../random-model.ts";

const config: ModelConfig = {
  ...smallConfig,
  vocabularySize: 24,
  hiddenSize: 32,
  intermediateSize: 48,
  headDimension: 8,
  maxPositions: 64,
};

/** Random texts of 8 to 47 tokens of which the second half counts. */
function randomSequences(count: number, seed: string): TrainingSequence[] {
  const random = randomStream(seed, "sequences");
  return Array.from({ length: count }, () => {
    const length = 8 + random.integer(40);
    const tokenIds = Array.from({ length }, () => random.integer(config.vocabularySize));
    return { tokenIds, weights: tokenIds.map((_, index) => (index < length / 2 ? 0 : 1)) };
  });
}

const folder = mkdtempSync(join(tmpdir(), "bitmend-training-"));
afterAll(() => rmSync(folder, { recursive: true }));

function setup(options: { steps: number; workers: number; checkpoint?: string }): TrainingSetup {
  const model = denseModel(config, initializeModelParameters(config, 3));
  return {
    model,
    objective: languageModelling(model, {
      sequencesAt: (step) => randomSequences(12, `step ${step}`),
      packing: { tokensPerBatch: 96 },
    }),
    optimization: {
      steps: options.steps,
      workers: options.workers,
      schedule: { kind: "cosine", peak: 1e-2, warmupSteps: 2 },
    },
    ...(options.checkpoint === undefined
      ? {}
      : { checkpoint: { path: join(folder, options.checkpoint), everySteps: 2, fingerprint: "test" } }),
  };
}

describe("the trained parameters are the same bit for bit", () => {
  test("with one worker and with three", async () => {
    const [alone, together] = [setup({ steps: 4, workers: 1 }), setup({ steps: 4, workers: 3 })];
    await consume(train(alone));
    await consume(train(together));
    expect(together.model.parameters.values).toEqual(alone.model.parameters.values);
  });

  test.each([3, 4])("when stopped after step %i and continued from its file", async (stop) => {
    const unbroken = setup({ steps: 7, workers: 2, checkpoint: `unbroken-${stop}` });
    await consume(train(unbroken));
    const controller = new AbortController();
    const stopAt = (event: TrainingEvent) => {
      if (event.type === "step" && event.step === stop) controller.abort();
    };
    const checkpoint = `broken-${stop}`;
    const first = await consume(
      train(setup({ steps: 7, workers: 2, checkpoint }), { signal: controller.signal }),
      stopAt,
    );
    expect(first).toMatchObject({ steps: stop, aborted: true });
    const continued = setup({ steps: 7, workers: 1, checkpoint });
    const last = await consume(train(continued));
    expect(last).toMatchObject({ steps: 7, aborted: false });
    expect(continued.model.parameters.values).toEqual(unbroken.model.parameters.values);
    expect(readFileSync(join(folder, checkpoint))).toEqual(readFileSync(join(folder, `unbroken-${stop}`)));
  });
});

test("a checkpoint of another training is refused", async () => {
  const checkpoint = "other";
  await consume(train(setup({ steps: 2, workers: 1, checkpoint })));
  const other = setup({ steps: 4, workers: 1, checkpoint });
  const changed = { ...other, checkpoint: { ...other.checkpoint!, fingerprint: "changed" } };
  await expect(consume(train(changed))).rejects.toThrow(/belongs to a training with other settings/v);
});

test("gradients of 8 micro-batches of 1 sequence equal those of 1 micro-batch of 8", async () => {
  const model = denseModel(config, initializeModelParameters(config, 3));
  const sequences = randomSequences(8, "accumulation").map(({ tokenIds }) => ({
    tokenIds: [...tokenIds, ...tokenIds, ...tokenIds].slice(0, 17),
    weights: Array.from({ length: 17 }, (_, index) => index % 3),
  }));
  const gradientOf = async (tokensPerBatch: number) => {
    const objective = languageModelling(model, { sequencesAt: () => sequences, packing: { tokensPerBatch } });
    await using workers = await GradientWorkers.start({ ...model, workers: 1, graphFor: objective.graphFor });
    const batches = objective.batchesAt(1);
    const { loss, gradient } = await workers.accumulate(batches);
    return { count: batches.length, loss, gradient: gradient.slice() };
  };
  const [many, one] = [await gradientOf(16), await gradientOf(128)];
  expect([many.count, one.count]).toEqual([8, 1]);
  expect(many.loss).toBeCloseTo(one.loss, 5);
  // float32 sums of 136 tokens in another order; gradients are of size 1e-2
  expect(many.gradient).toBeAllClose(one.gradient, { relative: 1e-4, absolute: 1e-7 });
});

test("a model overfits eight sequences", async () => {
  const model = denseModel(config, initializeModelParameters(config, 5));
  const sequences = randomSequences(8, "overfit");
  const objective = languageModelling(model, { sequencesAt: () => sequences });
  const schedule = { kind: "cosine", peak: 1e-2, warmupSteps: 10 } as const;
  const optimization = { steps: 150, workers: 1, schedule, adamW: { weightDecay: 0 } };
  const { finalLoss } = await consume(train({ model, objective, optimization }));
  expect(finalLoss).toBeLessThan(0.01);
  await using sessions = await startExactMatch(model);
  expect(await exactMatches(sessions, sequences)).toEqual(sequences.map(() => true));
  const others = randomSequences(8, "other");
  expect(await exactMatches(sessions, others)).toEqual(others.map(() => false));
});

test("distillation: no loss and no gradient when the student is the teacher", async () => {
  const teacher = initializeModelParameters(config, 7);
  const model = denseModel(config, initializeModelParameters(config, 7));
  const objective = distillation(model, { teacher, sequencesAt: () => randomSequences(6, "distillation") });
  await using workers = await GradientWorkers.start({ ...model, workers: 1, graphFor: objective.graphFor });
  const { loss, gradient } = await workers.accumulate(objective.batchesAt(1));
  expect(Math.abs(loss)).toBeLessThan(1e-6);
  expect(gradient.every((slope) => Math.abs(slope) < 1e-6)).toBe(true);
});
