import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adamWState, adamWStep, clipGradient } from "./adamw.ts";
import { flatParameters } from "./parameters.ts";

const oneOfEach = () => {
  const parameters = flatParameters([
    { name: "matrix", shape: [1, 1], weightDecay: true },
    { name: "gain", shape: [1], weightDecay: false },
  ]);
  parameters.values.set([1, 1]);
  return parameters;
};

describe("adamWStep", () => {
  test("worked example: the first step moves by the learning rate against the sign, and matrices decay", () => {
    const parameters = oneOfEach();
    const state = adamWState(2);
    adamWStep(parameters, Float32Array.of(0.5, -3), { state, learningRate: 0.1, weightDecay: 0.5 });
    // moments after bias correction are g and g², so the update is 0.1 · sign(g); decay keeps 1 - 0.1 · 0.5
    expect(parameters.values).toBeAllClose([0.95 - 0.1, 1 + 0.1]);
    expect(state.firstMoment).toBeAllClose([0.05, -0.3]);
    expect(state.secondMoment).toBeAllClose([0.05 * 0.25, 0.05 * 9]);
  });

  test("a learning-rate factor of 0 freezes a parameter", () => {
    const parameters = flatParameters([
      { name: "frozen", shape: [2], weightDecay: true, learningRateFactor: 0 },
    ]);
    parameters.values.set([1, 2]);
    adamWStep(parameters, Float32Array.of(4, 5), { state: adamWState(2), learningRate: 0.1 });
    expect([...parameters.values]).toEqual([1, 2]);
  });

  test("property: without decay a step is never longer than ten learning rates", () => {
    // |m̂ / √v̂| ≤ (1 - β₁) / √(1 - β₂) · corrections; 10 is a loose bound for β = .9, .95
    const slopes = fc.array(fc.float({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(slopes, (gradients) => {
        const parameters = flatParameters([{ name: "w", shape: [1], weightDecay: false }]);
        const state = adamWState(1);
        for (const slope of gradients) {
          const before = parameters.values[0]!;
          adamWStep(parameters, Float32Array.of(slope), { state, learningRate: 1e-2 });
          expect(Math.abs(parameters.values[0]! - before)).toBeLessThanOrEqual(0.1);
        }
      }),
    );
  });
});

describe("clipGradient", () => {
  test("worked example: norm 5 becomes norm 1", () => {
    const gradient = Float32Array.of(3, 4);
    expect(clipGradient(gradient, 1)).toBe(5);
    expect(gradient).toBeAllClose([0.6, 0.8]);
  });

  test("a gradient under the limit stays as it is", () => {
    const gradient = Float32Array.of(0.3, 0.4);
    clipGradient(gradient, 1);
    expect(gradient).toEqual(Float32Array.of(0.3, 0.4));
  });
});
