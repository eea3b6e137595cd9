import type { QuantizationScheme } from "../checkpoint/formats/quantization-config.ts";
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { GridOptions } from "./grid-options.ts";
import { moduleGrids } from "./grid-overrides.ts";
import type { QuantizationRecipe } from "./recipe.ts";

/**
 * The grid of every module that a recipe quantizes, by module name in execution order; what is not in it stays as it is.
 *
 * @throws {BitmendError} `quantization/unknown-module` as `moduleGrids()` does.
 */
export function recipeGrids(config: ModelConfig, recipe: QuantizationRecipe): Map<string, GridOptions> {
  const { bits, groupSize, symmetric, range, activations, embedding, head } = recipe;
  const base = { bits, groupSize, symmetric, range, activations };
  const grids = [
    ["model.embed_tokens", embedding] as const,
    ...moduleGrids(config, base, recipe.overrides),
    ["lm_head", config.tiedEmbeddings ? null : head] as const,
  ];
  return new Map(grids.flatMap(([module, grid]) => (grid === null ? [] : [[module, grid] as const])));
}

/** How a file stores what is rounded to a grid. */
export function schemeOf({ bits, groupSize, symmetric, activations }: GridOptions): QuantizationScheme {
  const scheme = { bits, symmetric, groupSize: groupSize === -1 ? null : groupSize };
  return activations === null ? scheme : { ...scheme, activations };
}
