import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { memorySource } from "../../src/models/model-source.ts";
import { parameterSites } from "../../src/models/parameter-sites.ts";
import { Calibrator } from "../../src/quantization/calibrator.ts";
import { RoundingPool } from "../../src/quantization/rounding-pool.ts";
import { foldScales } from "../../src/quantization/fold-scales.ts";
import { nameInLayer, readLayerParameters } from "../../src/quantization/layer-parameters.ts";
import { recipeGrids } from "../../src/quantization/recipe-grids.ts";
import { quantizationRecipeSchema } from "../../src/quantization/recipe.ts";
import { fullSequenceLogits } from "../full-sequence-logits.ts";
import { calibration } from "./quantize-settings.ts";

const tiny = join(import.meta.dirname, "../golden/tiny");
const recipes = [
  { method: "awq", bits: 3, groupSize: 8 },
  { method: "smoothquant", alpha: 0.5, folds: "all" },
] as const;

/** All parameters of a model whose layers are folded and not rounded, and the names of those that changed. */
async function foldedParameters(
  source: ReturnType<typeof openCheckpoint>,
  recipe: ReturnType<typeof quantizationRecipeSchema.parse>,
): Promise<{ parameters: Map<string, Float32Array>; changed: string[] }> {
  const parameters = new Map(
    parameterSites(source.config).map(({ name }) => [name, source.readFloat32(name)]),
  );
  const grids = recipeGrids(source.config, recipe);
  const changed: string[] = [];
  await using calibrator = await Calibrator.start(source, calibration, { threads: 1 });
  /* oxlint-disable eslint/no-await-in-loop -- layers follow one another */
  for (let layer = 0; layer < source.config.layerCount; layer++) {
    const inLayer = readLayerParameters(source, layer);
    for (const half of ["attention", "feed-forward"] as const) {
      const pool = new RoundingPool(1);
      const work = { source, recipe, grids, layer, parameters: inLayer, calibrator, pool, signal: undefined };
      changed.push(...(await foldScales(half, work)));
      await calibrator.advance(half, inLayer);
    }
    for (const name of changed) {
      const values = inLayer.get(nameInLayer(name));
      if (name.startsWith(`model.layers.${layer}.`)) parameters.set(name, values!.data);
    }
  }
  /* oxlint-enable eslint/no-await-in-loop */
  return { parameters, changed };
}

describe.each(readdirSync(tiny))("%s", (model) => {
  const source = openCheckpoint(join(tiny, model));
  const { config } = source;

  test.each(recipes)("$method: scales move, logits stay within float32 rounding", async (settings) => {
    const recipe = quantizationRecipeSchema.parse(settings);
    const { parameters, changed } = await foldedParameters(source, recipe);
    expect(new Set(changed.map(nameInLayer))).toContain("input_layernorm.weight");
    expect(changed.length).toBeGreaterThan(config.layerCount * 5);
    const tokenIds = Array.from({ length: 40 }, (_, i) => (i * i * 7 + i) % config.vocabularySize);
    const original = new Map(parameterSites(config).map(({ name }) => [name, source.readFloat32(name)]));
    const [before, after] = await Promise.all(
      [original, parameters].map((values) =>
        fullSequenceLogits(memorySource({ config, parameters: values }), tokenIds),
      ),
    );
    expect(after).toBeAllClose(before!, { absolute: 2e-5, relative: 1e-5 });
  });
});
