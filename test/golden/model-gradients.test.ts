import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { readFileSync } from "node:fs";
import { parseModelConfig } from "../../src/checkpoint/model-config.ts";
import { EngineWorker, type EngineTensor } from "../../src/engine/index.ts";
import { crossEntropy, Graph, gradients } from "../../src/graph/index.ts";
import { fullSequenceAttention } from "../../src/models/attention/full-sequence.ts";
import { decoder } from "../../src/models/decoder.ts";
import { dense } from "../../src/models/linears/dense.ts";
import { parameterSites } from "../../src/models/parameter-sites.ts";

const modelSchema = z.object({
  config: z.unknown(),
  batch: z.number(),
  tokens: z.number(),
  ids: z.array(z.number()),
  targets: z.array(z.number()),
  weights: z.array(z.number()),
  loss: z.number(),
  parameters: z.array(z.object({ name: z.string(), float32: z.string(), gradientFloat64: z.string() })),
});
type GoldenModel = z.infer<typeof modelSchema>;

const golden = z
  .object({ source: z.string(), models: z.record(z.string(), modelSchema) })
  .parse(JSON.parse(readFileSync(new URL("model-gradients.json", import.meta.url), "utf8")));

type FloatType = "f32" | "f64";
type Feeds = Record<string, EngineTensor>;

let worker: EngineWorker;
beforeAll(async () => {
  worker = await EngineWorker.start({ threads: 1, spinning: false });
});
afterAll(async () => worker[Symbol.asyncDispose]());

/** The training graph of a model: the loss, and the gradient of every parameter under the parameter's name. */
function trainingModel(
  model: GoldenModel,
  { floatType, batch }: { floatType: FloatType; batch: number },
): Uint8Array {
  const config = parseModelConfig(model.config, "model-gradients.json");
  const graph = new Graph({ floatType });
  const sites = parameterSites(config);
  const parameters = new Map(
    sites.map(({ name, shape }) => [name, graph.input(name, floatType, shape, { requiresGradient: true })]),
  );
  const parameter = (name: string): ReturnType<Graph["input"]> => parameters.get(name)!;
  const rows = batch * model.tokens;
  const { hidden, logits } = decoder(config, {
    tokenIds: graph.input("ids", "i64", [rows]),
    parts: {
      parameter,
      linear: dense(parameter),
      attention: fullSequenceAttention(graph, { config, batch, sequence: model.tokens }),
    },
  });
  const targets = graph.input("targets", "i64", [rows]);
  const weights = graph.input("weights", floatType, [rows]);
  const loss = crossEntropy({ logits: logits(hidden), targets, weights });
  const found = gradients(loss, [...parameters.values()]);
  const outputs = sites.map(({ name }, index) => [`gradient ${name}`, found[index]!] as const);
  return graph.build({ loss, ...Object.fromEntries(outputs) });
}

const bytesOf = (base64: string): ArrayBuffer => Uint8Array.from(Buffer.from(base64, "base64")).buffer;
const gradientOf = (golden64: string): Float64Array => new Float64Array(bytesOf(golden64));

function parameterFeeds(model: GoldenModel, floatType: FloatType): Feeds {
  const shapes = new Map(
    parameterSites(parseModelConfig(model.config, "model-gradients.json")).map(({ name, shape }) => [
      name,
      shape,
    ]),
  );
  return Object.fromEntries(
    model.parameters.map(({ name, float32 }) => {
      const values = new Float32Array(bytesOf(float32));
      const data = floatType === "f64" ? Float64Array.from(values) : values;
      return [name, { dataType: floatType, shape: shapes.get(name)!, data }];
    }),
  );
}

function sequenceFeeds(model: GoldenModel, floatType: FloatType, sequences: readonly number[]): Feeds {
  const take = (values: readonly number[]): number[] =>
    sequences.flatMap((at) => values.slice(at * model.tokens, (at + 1) * model.tokens));
  const shape = [sequences.length * model.tokens];
  const FloatArray = floatType === "f64" ? Float64Array : Float32Array;
  return {
    ids: { dataType: "i64", shape, data: BigInt64Array.from(take(model.ids), BigInt) },
    targets: { dataType: "i64", shape, data: BigInt64Array.from(take(model.targets), BigInt) },
    weights: { dataType: floatType, shape, data: FloatArray.from(take(model.weights)) },
  };
}

/** Largest difference of any gradient, relative to the largest element of the same parameter's gradient. */
function worstError(
  found: Record<string, EngineTensor>,
  expected: ReadonlyMap<string, ArrayLike<number>>,
): number {
  let worst = 0;
  for (const [name, gradient] of expected) {
    const actual = Array.from(found[`gradient ${name}`]!.data, Number);
    const reference = Array.from(gradient);
    const scale = Math.max(...reference.map(Math.abs));
    const off = Math.max(...reference.map((value, index) => Math.abs(value - actual[index]!)));
    worst = Math.max(worst, off / scale);
  }
  return worst;
}

describe.each(Object.entries(golden.models))(
  `a whole model with %s agrees with ${golden.source}`,
  (_, model) => {
    const expected = new Map(
      model.parameters.map(({ name, gradientFloat64 }) => [name, gradientOf(gradientFloat64)]),
    );

    test.each([
      { floatType: "f32", optimization: "all", tolerance: 5e-6 },
      { floatType: "f64", optimization: "disabled", tolerance: 1e-12 },
    ] as const)("loss and gradients in $floatType", async ({ floatType, optimization, tolerance }) => {
      await using session = await worker.load(trainingModel(model, { floatType, batch: model.batch }), {
        optimization,
      });
      const sequences = Array.from({ length: model.batch }, (__, index) => index);
      const found = await session.run({
        ...parameterFeeds(model, floatType),
        ...sequenceFeeds(model, floatType, sequences),
      });
      expect(Math.abs(Number(found["loss"]!.data[0]) / model.loss - 1)).toBeLessThanOrEqual(tolerance);
      expect(worstError(found, expected)).toBeLessThanOrEqual(tolerance);
    });
  },
);

test("gradient accumulation: 8 x 1 sequences give what 1 x 8 gives", async () => {
  const model = golden.models["a tied head"]!;
  await using whole = await worker.load(trainingModel(model, { floatType: "f32", batch: 8 }));
  await using part = await worker.load(trainingModel(model, { floatType: "f32", batch: 1 }));
  const parameters = parameterFeeds(model, "f32");
  const sequences = [0, 1, 2, 0, 1, 2, 2, 1];
  const together = await whole.run({ ...parameters, ...sequenceFeeds(model, "f32", sequences) });
  const sums = new Map(
    model.parameters.map(({ name, gradientFloat64 }) => [name, gradientOf(gradientFloat64).fill(0)]),
  );
  for (const sequence of sequences) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- accumulation is one step after the other
    const step = await part.run({ ...parameters, ...sequenceFeeds(model, "f32", [sequence]) });
    for (const [name, sum] of sums) {
      for (const [index, value] of step[`gradient ${name}`]!.data.entries()) sum[index]! += Number(value);
    }
  }
  expect(worstError(together, sums)).toBeLessThanOrEqual(2e-6);
});
