import { createHash } from "node:crypto";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { tensorChunks } from "../checkpoint/tensor-chunks.ts";
import type { CalibrationSequences } from "./calibrator.ts";
import type { QuantizationRecipe } from "./recipe.ts";

/** Raised when the same inputs begin to give other bytes: unfinished directories of older versions are then not continued. */
const algorithmVersion = 2;

/** SHA-256 over all that decides the result: configuration and weights of the source, recipe, calibration text. */
export function quantizationIdentity(
  source: Pick<Checkpoint, "rawConfig" | "tensors">,
  recipe: QuantizationRecipe,
  calibration: CalibrationSequences,
): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([algorithmVersion, source.rawConfig, recipe, calibration]));
  const byName = [...source.tensors].toSorted(([left], [right]) => (left < right ? -1 : 1));
  for (const [name, tensor] of byName) {
    hash.update(JSON.stringify([name, tensor.dataType, tensor.shape]));
    for (const chunk of tensorChunks(tensor)) hash.update(chunk);
  }
  return hash.digest("hex");
}
