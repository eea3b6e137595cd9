import { availableParallelism } from "node:os";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { Calibrator, type CalibrationSequences } from "./calibrator.ts";
import { quantizeLayers, type QuantizedLinear } from "./quantize-layers.ts";
import { quantizationRecipeSchema, type QuantizationRecipe } from "./recipe.ts";
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
 * Quantizes the decoder layers of `source` in memory; returns the matrices by module name.
 *
 * @yields each linear as it is done
 * @throws {BitmendError} those of `validateQuantization()`, before any work.
 */
export async function* quantizeModel(
  source: Checkpoint,
  recipe: QuantizationRecipe,
  { calibration = [], threads = availableParallelism(), signal }: QuantizeModelOptions = {},
): AsyncGenerator<QuantizedLinear, Map<string, QuantizedMatrix>, void> {
  const checkedRecipe = quantizationRecipeSchema.parse(recipe);
  validateQuantization(source, checkedRecipe, calibration);
  const matrices = new Map<string, QuantizedMatrix>();
  await using calibrator =
    calibration.length === 0 ? null : await Calibrator.start(source, calibration, { threads });
  for await (const linear of quantizeLayers(source, checkedRecipe, { calibrator, signal })) {
    matrices.set(linear.module, linear.matrix);
    yield linear;
  }
  return matrices;
}
