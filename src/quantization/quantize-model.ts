import { availableParallelism } from "node:os";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { Calibrator, type CalibrationSequences } from "./calibrator.ts";
import { quantizeLayers, type LayerEvent, type QuantizedLayer } from "./quantize-layers.ts";
import { quantizedEmbedding, quantizeOutside } from "./quantize-outside.ts";
import { quantizationRecipeSchema, type QuantizationRecipeInput } from "./recipe.ts";
import { RoundingPool } from "./rounding-pool.ts";
import { validateQuantization } from "./validate-quantization.ts";

/** Settings besides the recipe. */
export interface QuantizeModelOptions {
  /** Text the model should keep its behaviour on; GPTQ needs it, with RTN it is only measured on. Default: none. */
  readonly calibration?: CalibrationSequences;
  /** Threads of the engine. Default: all. */
  readonly threads?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Quantizes `source` in memory; returns all matrices and replaced parameters.
 *
 * @yields each linear as it is done, and warnings
 * @throws {BitmendError} those of `validateQuantization()`, before any work.
 */
export async function* quantizeModel(
  source: Checkpoint,
  recipe: QuantizationRecipeInput,
  { calibration = [], threads = availableParallelism(), signal }: QuantizeModelOptions = {},
): AsyncGenerator<Exclude<LayerEvent, { type: "layer" }>, QuantizedLayer, void> {
  const checkedRecipe = quantizationRecipeSchema.parse(recipe);
  validateQuantization(source, checkedRecipe, calibration);
  const outside = quantizeOutside(source, checkedRecipe);
  const layers: QuantizedLayer[] = [];
  await using pool = new RoundingPool(threads);
  const embedding = quantizedEmbedding(source, checkedRecipe);
  await using calibrator =
    calibration.length === 0 ? null : await Calibrator.start(source, calibration, { threads, embedding });
  for await (const event of quantizeLayers(source, checkedRecipe, { calibrator, pool, signal })) {
    if (event.type === "layer") layers.push(event);
    else yield event;
  }
  return {
    matrices: new Map([outside, ...layers].flatMap(({ matrices }) => [...matrices])),
    replacements: new Map(layers.flatMap(({ replacements }) => [...replacements])),
  };
}
