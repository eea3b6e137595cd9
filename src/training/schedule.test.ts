import { describe, expect, test } from "vitest";
import { learningRateAt, type Schedule } from "./schedule.ts";

const curve = (schedule: Schedule, steps: number) =>
  Array.from({ length: steps }, (_, index) => learningRateAt(schedule, index + 1, steps));

describe("learningRateAt, worked examples", () => {
  test("constant after a warm-up of 4 steps", () => {
    expect(curve({ kind: "constant", peak: 1, warmupSteps: 4 }, 6)).toBeAllClose([0.25, 0.5, 0.75, 1, 1, 1]);
  });

  test("linear to a tenth of the peak", () => {
    const schedule: Schedule = { kind: "linear", peak: 2, warmupSteps: 2, finalFraction: 0.1 };
    expect(curve(schedule, 5)).toBeAllClose([1, 2, 1.4, 0.8, 0.2]);
  });

  test("cosine passes through the half at the middle of the decay", () => {
    const schedule: Schedule = { kind: "cosine", peak: 1, warmupSteps: 1 };
    expect(curve(schedule, 5)).toBeAllClose([1, (1 + Math.SQRT1_2) / 2, 0.5, (1 - Math.SQRT1_2) / 2, 0]);
  });

  test("stays at the peak until the decay steps begin", () => {
    expect(curve({ kind: "linear", peak: 1, decaySteps: 2 }, 5)).toBeAllClose([1, 1, 1, 0.5, 0]);
  });
});
