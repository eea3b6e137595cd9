import { checkFinite } from "../checkpoint/check-finite.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { linearSites } from "../models/linear-sites.ts";
import { BitmendError } from "../util/errors.ts";
import type { CalibrationSequences } from "./calibrator.ts";
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
  refuseUnevenGroups(source, recipe.groupSize);
  refuseBadCalibration(source, recipe, calibration);
  checkFinite(source);
}

function refuseUnevenGroups({ config }: Checkpoint, groupSize: number): void {
  if (groupSize === -1) return;
  const offenders = linearSites(config).filter(({ inFeatures }) => inFeatures % groupSize !== 0);
  if (offenders.length === 0) return;
  const list = offenders.map(({ name, inFeatures }) => `${name} (${inFeatures})`);
  const more = list.length > 20 ? ` and ${list.length - 20} more` : "";
  throw new BitmendError(
    "quantization/bad-options",
    `validateQuantization(): expected a group size that divides the input features of every linear, got ${groupSize}, ` +
      `which does not divide ${list.slice(0, 20).join(", ")}${more}.`,
    { hint: "Choose a common divisor, or -1 for one group per output channel." },
  );
}

function refuseBadCalibration(
  { config }: Checkpoint,
  { method }: QuantizationRecipe,
  calibration: CalibrationSequences,
): void {
  const { vocabularySize, maxPositions } = config;
  const offences: string[] = [];
  if (method === "gptq" && calibration.length === 0) offences.push("there are none");
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
