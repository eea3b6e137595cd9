import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import type { Bits } from "../../src/checkpoint/quantized-matrix.ts";
import { perplexity } from "../../src/generation/perplexity.ts";
import { loadModel } from "../../src/models/model.ts";
import { gridOptionsSchema } from "../../src/quantization/grid-options.ts";
import { modelDivergence } from "../../src/quantization/model-divergence.ts";
import { roundToNearest } from "../../src/quantization/round-to-nearest.ts";
import { measureSensitivity } from "../../src/quantization/sensitivity.ts";
import { consume } from "../../src/util/consume.ts";

interface Golden {
  readonly source: string;
  readonly groupSize: number;
  readonly cases: readonly {
    readonly model: string;
    readonly bits: Bits;
    readonly modules: readonly string[];
    readonly sequences: readonly (readonly number[])[];
    readonly counted: readonly (readonly boolean[])[];
    readonly divergence: number;
  }[];
  readonly losses: readonly {
    readonly model: string;
    readonly sequences: readonly (readonly number[])[];
    readonly meanLoss: number;
  }[];
}

const golden = JSON.parse(readFileSync(new URL("divergence.json", import.meta.url), "utf8")) as Golden;

describe(`divergences match ${golden.source}`, () => {
  test.each(golden.cases)("$model $bits $modules", async (expected) => {
    const { modules, bits, divergence } = expected;
    const source = openCheckpoint(join(import.meta.dirname, "tiny", expected.model));
    const sequences = expected.sequences.map((tokenIds, index) => ({
      tokenIds,
      counted: expected.counted[index]!,
    }));
    const rounded = roundToNearest(source, gridOptionsSchema.parse({ bits, groupSize: golden.groupSize }));
    const changed = {
      config: source.config,
      readFloat32: (name: string) => {
        const module = name.replace(/\.weight$/u, "");
        return modules.includes(module) ? rounded(module, bits) : source.readFloat32(name);
      },
    };
    const whole = await modelDivergence(source, changed, { sequences, threads: 1 });
    expect(whole / divergence).toBeCloseTo(1, 4);
    const layers = new Set(modules.map((module) => module.split(".")[2]));
    if (layers.size > 1) return;
    const units = [{ layer: Number([...layers][0]), part: "some", modules }];
    const options = { units, widths: [bits], rounded, roundedBy: "rtn", threads: 1 } as const;
    const found = (await Array.fromAsync(measureSensitivity(source, sequences, options))).flat();
    expect(found).toMatchObject([{ bits, modules }]);
    expect(found[0]!.divergence / divergence).toBeCloseTo(1, 4);
  });
});

test.each(golden.losses)(
  "the mean loss of $model is the library's",
  async ({ model: name, sequences, meanLoss }) => {
    await using model = await loadModel(join(import.meta.dirname, "tiny", name), { threads: 1 });
    const texts = sequences.map((tokenIds) => ({ tokenIds }));
    const found = await consume(perplexity(model, texts));
    expect(found.meanLoss).toBeCloseTo(meanLoss, 5);
    expect(found.tokens).toBe(sequences.reduce((sum, { length }) => sum + length - 1, 0));
  },
);
