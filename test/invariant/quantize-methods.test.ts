import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { dequantize } from "../../src/checkpoint/dequantize.ts";
import { parameterSites } from "../../src/models/parameter-sites.ts";
import { quantizeCheckpoint } from "../../src/quantization/quantize-checkpoint.ts";
import { quantizeModel } from "../../src/quantization/quantize-model.ts";
import type { QuantizationRecipeInput } from "../../src/quantization/recipe.ts";
import { consume } from "../../src/util/consume.ts";
import { calibration } from "./quantize-settings.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-methods-"));
afterAll(() => rmSync(work, { recursive: true }));
const tiny = join(import.meta.dirname, "../golden/tiny");
const contents = (directory: string): Map<string, string> =>
  new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "hex")]));

const recipes: Readonly<Record<string, QuantizationRecipeInput>> = {
  "AWQ with a kept and a wider module": {
    method: "awq",
    bits: 3,
    groupSize: 8,
    overrides: [
      { modules: "*.0.mlp.up_proj", keep: true },
      { modules: "*.1.self_attn.v_proj", bits: 8, symmetric: true },
    ],
  },
  "AWQ rounded by GPTQ": { method: "awq", bits: 4, groupSize: 8, rounding: "gptq" },
  "GPTQ within ranges of least output error": { method: "gptq", bits: 3, groupSize: 8, range: "output" },
  SmoothQuant: { method: "smoothquant", folds: "all", alpha: 0.5 },
  "GPTQ with a rounded embedding": {
    method: "gptq",
    bits: 4,
    groupSize: 8,
    embedding: { bits: 8, groupSize: 8 },
  },
};

describe.each(Object.keys(recipes))("%s", (name) => {
  const recipe = recipes[name]!;

  test.each(["llama", "qwen2"])(
    "%s: files hold what was computed in memory; stopped after a layer and continued, the same bytes",
    async (model) => {
      const source = openCheckpoint(join(tiny, model));
      const whole = join(work, `${name}-${model}`);
      await consume(quantizeCheckpoint(source, recipe, { directory: whole, calibration, threads: 1 }));
      const { matrices, replacements } = await consume(
        quantizeModel(source, recipe, { calibration, threads: 1 }),
      );
      const stored = openCheckpoint(whole);
      for (const { name: parameter } of parameterSites(source.config)) {
        const matrix = matrices.get(parameter.replace(/\.weight$/u, ""));
        const expected =
          matrix === undefined
            ? (replacements.get(parameter) ?? source.readFloat32(parameter))
            : dequantize(matrix);
        expect(stored.readFloat32(parameter)).toEqual(expected);
        if (matrix === undefined)
          expect(stored.tensors.get(parameter)!.dataType).toBe(source.tensors.get(parameter)!.dataType);
      }
      const continued = join(work, `${name}-${model}-continued`);
      const abort = new AbortController();
      const options = { directory: continued, calibration, threads: 1 };
      const stopped = consume(
        quantizeCheckpoint(source, recipe, { ...options, signal: abort.signal }),
        ({ type }) => {
          if (type === "layer-done") abort.abort();
        },
      );
      await expect(stopped).rejects.toThrow("aborted");
      await consume(quantizeCheckpoint(source, recipe, options));
      expect(contents(continued)).toEqual(contents(whole));
    },
  );
});
