import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { dequantize } from "../checkpoint/dequantize.ts";
import { expectedTensors } from "../checkpoint/expected-tensors.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { storedEmbedding, type EmbeddingRows } from "./calibration-text.ts";
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

/** The embeddings that the quantized model reads: of a table that is rounded, each row as it is rounded. */
export function quantizedEmbedding(
  source: Pick<Checkpoint, "config" | "readFloat32" | "tensors">,
  { embedding }: QuantizationRecipe,
): EmbeddingRows {
  const stored = storedEmbedding(source);
  if (embedding === null) return stored;
  const columns = source.config.hiddenSize;
  return (tokenIds) =>
    dequantize(quantizeRtn({ rows: tokenIds.length, columns, values: stored(tokenIds) }, embedding));
}
