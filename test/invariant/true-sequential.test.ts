import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { dequantize } from "../../src/checkpoint/dequantize.ts";
import type { QuantizedMatrix } from "../../src/checkpoint/quantized-matrix.ts";
import { EngineWorker } from "../../src/engine/index.ts";
import { Graph } from "../../src/graph/graph.ts";
import { fullSequenceAttention } from "../../src/models/attention/full-sequence.ts";
import { decoder } from "../../src/models/decoder.ts";
import { linearSites } from "../../src/models/linear-sites.ts";
import { dense } from "../../src/models/linears/dense.ts";
import { tap } from "../../src/models/linears/tap.ts";
import { quantizeGptq } from "../../src/quantization/gptq.ts";
import { outputError } from "../../src/quantization/layer-error.ts";
import { quantizeModel } from "../../src/quantization/quantize-model.ts";
import { consume } from "../../src/util/consume.ts";
import { recipe } from "./quantize-settings.ts";

/** What every linear of the WHOLE model with `matrices` in place reads, from one graph of the whole decoder. */
async function gramsOfQuantizedModel(
  source: ReturnType<typeof openCheckpoint>,
  matrices: ReadonlyMap<string, QuantizedMatrix>,
  tokenIds: readonly number[],
): Promise<Map<string, Float32Array>> {
  const { config } = source;
  const graph = new Graph();
  const parameter = (name: string, shape: readonly number[]) => {
    const matrix = matrices.get(name.replace(/\.weight$/u, ""));
    return graph.constant("f32", shape, matrix === undefined ? source.readFloat32(name) : dequantize(matrix));
  };
  const tapped = tap({ base: dense(parameter) });
  const ids = graph.constant("i64", [1, tokenIds.length], BigInt64Array.from(tokenIds, BigInt));
  const attention = fullSequenceAttention(graph, { config, batch: 1, sequence: tokenIds.length });
  const { hidden } = decoder(config, {
    tokenIds: ids,
    parts: { parameter, linear: tapped.linear, attention },
  });
  const grams = Object.fromEntries([...tapped.activations].map(([name, { gram }]) => [name, gram]));
  await using worker = await EngineWorker.start({ threads: 1 });
  const session = await worker.load(graph.build({ hidden, ...grams }));
  const outputs = await session.run({});
  return new Map(Object.keys(grams).map((name) => [name, outputs[name]!.data as Float32Array]));
}

describe.each(["llama", "qwen2", "qwen3"])("%s", (model) => {
  const source = openCheckpoint(join(import.meta.dirname, "../golden/tiny", model));

  test("every linear was calibrated on what it reads in the finished quantized model", async () => {
    const tokenIds = Array.from({ length: 64 }, (_, i) => (i * i * 7 + i) % source.config.vocabularySize);
    const errors = new Map<string, number>();
    const { matrices } = await consume(
      quantizeModel(source, recipe, { calibration: [tokenIds], threads: 1 }),
      (event) => {
        if (event.type === "linear") errors.set(event.module, event.outputError!);
      },
    );
    const grams = await gramsOfQuantizedModel(source, matrices, tokenIds);
    let gram: Float32Array = new Float32Array();
    for (const { name, outFeatures: rows, inFeatures: columns } of linearSites(source.config)) {
      gram = grams.get(name) ?? gram; // sites of one group share the first one's
      const weight = { rows, columns, values: source.readFloat32(`${name}.weight`) };
      const inputs = { rows: columns, columns, values: gram };
      expect(outputError(weight, matrices.get(name)!, inputs) / errors.get(name)!).toBeCloseTo(1, 3);
      // Different summation order may flip a code at a tie; nearly all must agree with GPTQ on the whole model's inputs.
      // oxlint-disable-next-line eslint/no-await-in-loop -- one after the other
      const again = await quantizeGptq(weight, inputs, recipe as Parameters<typeof quantizeGptq>[2]);
      const flips = again.codes.filter((code, index) => code !== matrices.get(name)!.codes[index]).length;
      expect(flips).toBeLessThanOrEqual(0.02 * again.codes.length);
    }
  });
});
