import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../checkpoint/checkpoint.ts";
import { consume } from "../util/consume.ts";
import { Calibrator } from "./calibrator.ts";
import { readLayerParameters } from "./layer-parameters.ts";
import { quantizeModel } from "./quantize-model.ts";
import { quantizationRecipeSchema } from "./recipe.ts";

const source = openCheckpoint(join(import.meta.dirname, "../../test/golden/tiny/llama"));

/** The Gram matrix of every stage of both layers. */
async function gramsOf(texts: number[][]): Promise<Float32Array[]> {
  await using calibrator = await Calibrator.start(source, texts, { threads: 1 });
  const found: Float32Array[] = [];
  const halves = [
    ["attention", ["q", "o"]],
    ["feed-forward", ["gate", "down"]],
  ] as const;
  /* oxlint-disable eslint/no-await-in-loop -- stages follow one another */
  for (const layer of [0, 1]) {
    const parameters = readLayerParameters(source, layer);
    for (const [half, kinds] of halves) {
      for (const kind of kinds) found.push((await calibrator.statistics(kind, parameters)).gram.values);
      await calibrator.advance(half, parameters);
    }
  }
  /* oxlint-enable eslint/no-await-in-loop */
  return found;
}

const total = (values: number[]): number => values.reduce((sum, value) => sum + value, 0);

describe("Calibrator", () => {
  test("the first statistics are those of the normalized embeddings, padding left out", async () => {
    const sequences = [[3, 1, 4], [1, 5, 9, 2, 6, 5], [7]];
    await using calibrator = await Calibrator.start(source, sequences, { threads: 1 });
    const parameters = readLayerParameters(source, 0);
    const { gram, meanAbsolute, maxAbsolute, tokens } = await calibrator.statistics("q", parameters);
    const { hiddenSize, rmsNormEpsilon } = source.config;
    const table = source.readFloat32("model.embed_tokens.weight");
    const gain = parameters.get("input_layernorm.weight")!.data;
    const expected = new Float64Array(hiddenSize ** 2);
    const inputs: number[][] = [];
    for (const token of sequences.flat()) {
      const vector = Array.from(table.subarray(token * hiddenSize, (token + 1) * hiddenSize));
      const meanSquare = vector.reduce((sum, value) => sum + value ** 2, 0) / hiddenSize;
      const input = vector.map((value, i) => (value * gain[i]!) / Math.sqrt(meanSquare + rmsNormEpsilon));
      inputs.push(input);
      expected.forEach((sum, at) => {
        expected[at] = sum + input[Math.floor(at / hiddenSize)]! * input[at % hiddenSize]!;
      });
    }
    expect(gram.values).toBeAllClose(expected, { relative: 1e-4, absolute: 1e-5 });
    expect(tokens).toBe(10);
    const magnitudes = (channel: number): number[] => inputs.map((input) => Math.abs(input[channel]!));
    const channels = Array.from({ length: hiddenSize }, (_, channel) => magnitudes(channel));
    expect(meanAbsolute).toBeAllClose(
      channels.map((values) => total(values) / 10),
      { relative: 1e-5 },
    );
    expect(maxAbsolute).toBeAllClose(
      channels.map((values) => Math.max(...values)),
      { relative: 1e-5 },
    );
  });

  test("sequences together give what they give one by one, in every stage", async () => {
    const sequences = [
      [3, 1, 4, 1],
      [5, 9, 2, 6, 5, 3, 5],
      [8, 9],
      [7, 9, 3],
    ];
    const together = await gramsOf(sequences);
    const alone = await Promise.all(sequences.map((sequence) => gramsOf([sequence])));
    expect(together).toHaveLength(8);
    for (const [stage, gram] of together.entries()) {
      const sum = gram.map((_, at) => alone.reduce((before, stages) => before + stages[stage]![at]!, 0));
      expect(gram).toBeAllClose(sum, { relative: 1e-4, absolute: 1e-4 });
    }
  });
});

test("quantizeModel: GPTQ loses less than RTN on the calibration text, in all and in nearly every linear", async () => {
  const calibration = Array.from({ length: 8 }, (_, first) =>
    Array.from({ length: 24 }, (_token, i) => (first * 7 + i * i * 3) % source.config.vocabularySize),
  );
  const losses = async (method: string): Promise<number[]> => {
    const found: number[] = [];
    const recipe = quantizationRecipeSchema.parse({ method, bits: 3, groupSize: 8 });
    const { matrices } = await consume(
      quantizeModel(source, recipe, { calibration, threads: 1 }),
      (event) => {
        if (event.type === "linear") found.push(event.outputError!);
      },
    );
    expect([...matrices.values()].every(({ bits, groupSize }) => bits === 3 && groupSize === 8)).toBe(true);
    return found;
  };
  const [rtn, gptq] = [await losses("rtn"), await losses("gptq")];
  expect(gptq).toHaveLength(14);
  expect(gptq.filter((loss, index) => loss > rtn[index]!).length).toBeLessThanOrEqual(2);
  expect(total(gptq)).toBeLessThan(0.7 * total(rtn));
});
