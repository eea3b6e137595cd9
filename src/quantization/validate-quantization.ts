import { checkFinite } from "../checkpoint/check-finite.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { linearSites } from "../models/linear-sites.ts";
import { BitmendError } from "../util/errors.ts";
import type { CalibrationSequences } from "./calibrator.ts";
import { recipeGrids } from "./recipe-grids.ts";
import type { QuantizationRecipe } from "./recipe.ts";

/**
 * Refuses what could only fail later.
 *
 * @throws {BitmendError} `quantization/already-quantized`; `quantization/bad-options` lists every linear that the group size does not
 * divide; `quantization/bad-calibration` lists what is wrong with the sequences; `checkpoint/not-finite` lists NaN weights.
 */
export function validateQuantization(
  source: Checkpoint,
  recipe: QuantizationRecipe,
  calibration: CalibrationSequences,
): void {
  if (source.quantization !== null) {
    throw new BitmendError(
      "quantization/already-quantized",
      `validateQuantization(): expected full-precision weights in ${source.directory}, got a quantized checkpoint.`,
      { hint: "Quantize the model it was made from." },
    );
  }
  refuseBadGrids(source, recipe);
  refuseBadCalibration(source, recipe, calibration);
  checkFinite(source);
}

/** Group sizes that do not divide, and grids that integer products of rounded activations cannot have. */
function refuseBadGrids({ config }: Checkpoint, recipe: QuantizationRecipe): void {
  const columns = new Map(linearSites(config).map(({ name, inFeatures }) => [name, inFeatures]));
  const offences: string[] = [];
  for (const [module, { bits, groupSize, symmetric, activations }] of recipeGrids(config, recipe)) {
    const inFeatures = columns.get(module) ?? config.hiddenSize;
    if (groupSize !== -1 && inFeatures % groupSize !== 0)
      offences.push(`${groupSize} does not divide the ${inFeatures} input features of ${module}`);
    if (activations !== null && (bits !== 8 || groupSize !== -1 || !symmetric))
      offences.push(`rounded activations need 8 bits, symmetric, per channel in ${module}`);
  }
  if (recipe.head !== null && config.tiedEmbeddings)
    offences.push("the head is the embedding table in this model, so it cannot have a grid of its own");
  if (offences.length === 0) return;
  const more = offences.length > 20 ? `; and ${offences.length - 20} more` : "";
  throw new BitmendError(
    "quantization/bad-options",
    `validateQuantization(): expected grids that fit the model, but ${offences.slice(0, 20).join("; ")}${more}.`,
    { hint: "Choose a common divisor as group size, or -1 for one group per output channel." },
  );
}

/** Whether the recipe looks at what the linears read. */
function needsCalibration(config: ModelConfig, recipe: QuantizationRecipe): boolean {
  return (
    recipe.method !== "rtn" ||
    [...recipeGrids(config, recipe).values()].some(({ range }) => range === "output")
  );
}

function refuseBadCalibration(
  { config }: Checkpoint,
  recipe: QuantizationRecipe,
  calibration: CalibrationSequences,
): void {
  const { vocabularySize, maxPositions } = config;
  const offences: string[] = [];
  if (needsCalibration(config, recipe) && calibration.length === 0) offences.push("there are none");
  for (const [index, tokenIds] of calibration.entries()) {
    if (tokenIds.length === 0) offences.push(`number ${index} is empty`);
    if (tokenIds.length > maxPositions) {
      offences.push(`number ${index} has ${tokenIds.length} tokens and the model takes ${maxPositions}`);
    }
    const unknown = tokenIds.find(
      (token) => !Number.isInteger(token) || token < 0 || token >= vocabularySize,
    );
    if (unknown !== undefined) {
      offences.push(`number ${index} has the token ${unknown} and the vocabulary ${vocabularySize}`);
    }
  }
  if (offences.length === 0) return;
  const more = offences.length > 20 ? `; and ${offences.length - 20} more` : "";
  throw new BitmendError(
    "quantization/bad-calibration",
    `validateQuantization(): expected calibration sequences that the model can read, but ${offences.slice(0, 20).join("; ")}${more}.`,
    { hint: "Give sequences of the model's own token ids, as many as 128 for a good result." },
  );
}
