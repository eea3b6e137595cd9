import type { Variant } from "../../runs/records.ts";
import type { RunRecipe } from "../run-recipe.ts";

/** A variant and the directory of its weights, or of its adapter. */
export interface StoredVariant {
  readonly variant: Variant;
  readonly directory: string;
}

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
  { groupSize, symmetric }: Pick<RunRecipe["quantization"], "groupSize" | "symmetric">,
  { method, bits }: { method: NonNullable<Variant["method"]>; bits: NonNullable<Variant["bits"]> },
): Variant {
  const group = groupSize === -1 ? "channel" : `g${groupSize}`;
  const name = `w${bits}-${group}-${method}${symmetric ? "-sym" : ""}`;
  return { name, method, bits, groupSize, symmetric, restoredBy: null };
}

/** The same grid, mended. */
export function restoredVariant(patient: Variant, restoredBy: NonNullable<Variant["restoredBy"]>): Variant {
  return { ...patient, name: `${patient.name}+${restoredBy}`, restoredBy };
}

/** Every variant that a run of the recipe measures, in the order of its tables. */
export function recipeVariants({ quantization, preference, qat }: RunRecipe): Variant[] {
  const patient = (bits: RunRecipe["qat"][number]["bits"]): Variant =>
    quantizedVariant(quantization, { method: "gptq", bits });
  const arms = preference === null ? [] : preferenceArms(preference);
  return [
    fullVariant,
    ...quantizedVariants({ quantization }),
    ...arms.map((arm) => restoredVariant(patient(preference!.bits), arm)),
    ...qat.map(({ bits }) => restoredVariant(patient(bits), "qat")),
  ];
}

/** One way to use the medicine: preference pairs, the same problems as plain solutions, or random problems. */
export type Arm = "dpo" | "sft" | "random";

/** The arms that a recipe trains. */
export function preferenceArms({ controls }: NonNullable<RunRecipe["preference"]>): readonly Arm[] {
  return controls ? ["dpo", "sft", "random"] : ["dpo"];
}
