import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { expectedTensors } from "../checkpoint/expected-tensors.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { recipeGrids } from "./recipe-grids.ts";
import type { QuantizationRecipe } from "./recipe.ts";
import { quantizeRtn } from "./rtn.ts";

/** Rounds what the recipe asks for outside the decoder layers, embedding and head, to nearest. */
export function quantizeOutside(
  { config, readFloat32 }: Pick<Checkpoint, "config" | "readFloat32">,
  recipe: QuantizationRecipe,
): { readonly matrices: ReadonlyMap<string, QuantizedMatrix> } {
  const shapes = expectedTensors(config);
  const matrices = new Map<string, QuantizedMatrix>();
  for (const [module, grid] of recipeGrids(config, recipe)) {
    if (module.startsWith("model.layers.")) continue;
    const [rows, columns] = shapes.get(`${module}.weight`)!;
    const values = readFloat32(`${module}.weight`);
    matrices.set(module, quantizeRtn({ rows: rows!, columns: columns!, values }, grid));
  }
  return { matrices };
}
