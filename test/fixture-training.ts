import type { TrainingStepRecord } from "../src/runs/records.ts";
import { randomStream } from "../src/util/random.ts";

/** Made-up training curves of the fixture run (fixture-run.ts). */
export function fixtureTraining(seed: number): TrainingStepRecord[] {
  const trainings = [
    ["w3-g64-gptq+qat", 240, 0.9],
    ["w2-g64-gptq+qat", 480, 2.4],
    ["w3-g64-gptq+dpo", 102, 0.69],
    ["w3-g64-gptq+sft", 102, 0.5],
  ] as const;
  return trainings.flatMap(([training, steps, start]) => {
    const random = randomStream(seed, training);
    return Array.from({ length: steps }, (_, step) => ({
      training,
      step,
      steps,
      loss: start * Math.exp((-5 * step) / steps) + 0.02 + 0.05 * start * random.next(),
      learningRate: 0.001 * Math.min(1, step / 20) * (1 - step / steps),
      tokens: 2300,
      metrics:
        step % 24 === 0 || step === steps - 1
          ? { validationAccuracy: 0.95 - 0.6 * Math.exp((-6 * step) / steps) }
          : training.endsWith("dpo")
            ? { margin: (4 * step) / steps + random.next() }
            : {},
    }));
  });
}
