import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EngineWorker } from "../../src/engine/index.ts";
import { Graph, gradients } from "../../src/graph/index.ts";
import { adamWState, adamWStep, clipGradient } from "../../src/training/adamw.ts";
import { forwardDivergence } from "../../src/training/distillation.ts";
import { dpoLoss, dpoTerms } from "../../src/training/dpo-loss.ts";
import { flatParameters } from "../../src/training/parameters.ts";

interface Golden {
  readonly source: string;
  readonly adamw: {
    readonly start: number[];
    readonly gradients: number[][];
    readonly rates: number[];
    readonly norms: number[];
    readonly end: number[];
  };
  readonly dpo: {
    readonly beta: number;
    readonly policy: [number, number][];
    readonly reference: [number, number][];
    readonly losses: number[];
    readonly gradient: [number, number][];
  };
  readonly distillation: {
    readonly teacher: number[][];
    readonly student: number[][];
    readonly weights: number[];
    readonly loss: number;
    readonly gradient: number[][];
  };
}

function column(rows: readonly [number, number][], index: 0 | 1): Float64Array {
  return Float64Array.from(rows, (row) => row[index]);
}

const golden = JSON.parse(readFileSync(new URL("./training.json", import.meta.url), "utf8")) as Golden;
let engine: EngineWorker;
beforeAll(async () => {
  engine = await EngineWorker.start({ threads: 1 });
});
afterAll(() => engine[Symbol.asyncDispose]());

describe(`training matches ${golden.source}`, () => {
  test("clipped AdamW steps with decay on one of two parameters", () => {
    const { start, gradients: slopes, rates, norms, end } = golden.adamw;
    const half = start.length / 2;
    const parameters = flatParameters([
      { name: "matrix", shape: [1, half], weightDecay: true },
      { name: "gain", shape: [half], weightDecay: false },
    ]);
    parameters.values.set(start);
    const state = adamWState(start.length);
    const ownNorms = slopes.map((row, step) => {
      const gradient = Float32Array.from(row);
      const norm = clipGradient(gradient, 1);
      adamWStep(parameters, gradient, { state, learningRate: rates[step]!, weightDecay: 0.1 });
      return norm;
    });
    expect(ownNorms).toBeAllClose(norms);
    // torch works in float32, we in float64 between float32 stores: 12 steps of 2^-24 each
    expect(parameters.values).toBeAllClose(end, { relative: 1e-5, absolute: 1e-6 });
  });

  test("DPO losses as numbers", () => {
    const { beta, policy, reference, losses } = golden.dpo;
    const own = policy.map(([chosen, rejected], index) => {
      const [chosenReference, rejectedReference] = reference[index]!;
      return dpoTerms(
        { policy: chosen, reference: chosenReference },
        { policy: rejected, reference: rejectedReference },
        { beta },
      ).loss;
    });
    expect(own).toBeAllClose(losses, { relative: 1e-12 });
  });

  test("DPO loss and gradient in the graph", async () => {
    const { beta, policy, reference, losses, gradient } = golden.dpo;
    const pairs = policy.length;
    const graph = new Graph({ floatType: "f64" });
    const chosen = graph.input("chosen", "f64", [pairs], { requiresGradient: true });
    const rejected = graph.input("rejected", "f64", [pairs], { requiresGradient: true });
    const margins = reference.map(([first, second]) => first - second);
    const { loss } = dpoLoss({
      chosen,
      rejected,
      referenceMargin: graph.constant("f64", [pairs], Float64Array.from(margins)),
      pairWeight: graph.constant("f64", [pairs], new Float64Array(pairs).fill(1 / pairs)),
      beta,
    });
    const [chosenSlope, rejectedSlope] = gradients(loss, [chosen, rejected]);
    const session = await engine.load(
      graph.build({ loss, chosenSlope: chosenSlope!, rejectedSlope: rejectedSlope! }),
    );
    const outputs = await session.run({
      chosen: { dataType: "f64", shape: [pairs], data: column(policy, 0) },
      rejected: { dataType: "f64", shape: [pairs], data: column(policy, 1) },
    });
    const values = (name: string) => [...outputs[name]!.data].map(Number);
    const mean = losses.reduce((sum, value) => sum + value, 0) / pairs;
    expect(values("loss")).toBeAllClose([mean], { relative: 1e-12 });
    expect(values("chosenSlope")).toBeAllClose(column(gradient, 0), { relative: 1e-10 });
    expect(values("rejectedSlope")).toBeAllClose(column(gradient, 1), { relative: 1e-10 });
  });

  // all nine tokens apart, and eight apart with one left as the rest, are the same
  test.each([undefined, 8])("distillation loss and gradient, top %s", async (topK) => {
    const { teacher, student, weights, loss: expected, gradient } = golden.distillation;
    const shape = [teacher.length, teacher[0]!.length];
    const graph = new Graph({ floatType: "f64" });
    const studentLogits = graph.input("student", "f64", shape, { requiresGradient: true });
    const loss = forwardDivergence({
      teacherLogits: graph.constant("f64", shape, Float64Array.from(teacher.flat())),
      studentLogits,
      weights: graph.constant("f64", [teacher.length], Float64Array.from(weights)),
      topK,
    });
    const [slope] = gradients(loss, [studentLogits]);
    const session = await engine.load(graph.build({ loss, slope: slope! }));
    const data = Float64Array.from(student.flat());
    const outputs = await session.run({ student: { dataType: "f64", shape, data } });
    expect([...outputs["loss"]!.data].map(Number)).toBeAllClose([expected], { relative: 1e-8 });
    expect([...outputs["slope"]!.data].map(Number)).toBeAllClose(gradient.flat(), {
      relative: 1e-9,
      absolute: 1e-14,
    });
  });
});
