import type { Variant } from "../../runs/records.ts";
import type { RunRecipe } from "../run-recipe.ts";

/** The baseline everything is compared with. */
export const fullVariant: Variant = {
  name: "full",
  method: null,
  bits: null,
  groupSize: null,
  symmetric: null,
  restoredBy: null,
};

/** The low-bit variants of a recipe, named like `w3-g64-gptq`. */
export function quantizedVariants({ quantization }: Pick<RunRecipe, "quantization">): Variant[] {
  return quantization.variants.map(({ method, bits }) => quantizedVariant(quantization, { method, bits }));
}

/** One low-bit variant under the recipe's grid. */
export function quantizedVariant(
  { groupSize, symmetric }: RunRecipe["quantization"],
  { method, bits }: RunRecipe["quantization"]["variants"][number],
): Variant {
  const group = groupSize === -1 ? "channel" : `g${groupSize}`;
  const name = `w${bits}-${group}-${method}${symmetric ? "-sym" : ""}`;
  return { name, method, bits, groupSize, symmetric, restoredBy: null };
}

/** The same grid, mended. */
export function restoredVariant(patient: Variant, restoredBy: NonNullable<Variant["restoredBy"]>): Variant {
  return { ...patient, name: `${patient.name}+${restoredBy}`, restoredBy };
}
