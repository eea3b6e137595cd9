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
export function quantizedVariants(recipe: Pick<RunRecipe, "quantization" | "outliers">): Variant[] {
  return recipe.quantization.variants.map((kind) =>
    "bits" in kind ? quantizedVariant(recipe, kind) : mixedVariant(recipe, kind),
  );
}

/** A low-bit variant whose parts have widths of their own. */
function mixedVariant(
  recipe: Pick<RunRecipe, "quantization" | "outliers">,
  { method, averageBits }: { readonly method: NonNullable<Variant["method"]>; readonly averageBits: number },
): Variant {
  const alike = quantizedVariant(recipe, { method, bits: 4 });
  const name = alike.name.replace("w4-", `w${averageBits}-mixed-`);
  return { ...alike, name, bits: null, averageBits };
}

/** What distinguishes the low-bit variants of one recipe. */
interface VariantKind {
  readonly method: NonNullable<Variant["method"]>;
  readonly bits: NonNullable<Variant["bits"]>;
  readonly activations?: Variant["activations"];
}

/** One low-bit variant under the recipe's grid; what rounds activations has a grid of its own, one group a row and symmetric. */
export function quantizedVariant(
  {
    quantization,
    outliers,
  }: {
    readonly quantization: Pick<RunRecipe["quantization"], "groupSize" | "symmetric">;
    readonly outliers?: RunRecipe["outliers"];
  },
  { method, bits, activations }: VariantKind,
): Variant {
  const isSynthetic = outliers !== null && outliers !== undefined;
  const prefix = isSynthetic ? "synthetic-" : "";
  const marks = { restoredBy: null, ...(isSynthetic ? { synthetic: true as const } : {}) };
  if (method === "smoothquant" || activations !== undefined) {
    const grid = { bits, groupSize: -1, symmetric: true, activations: "int8-per-token" as const };
    return { name: `${prefix}w${bits}a8-${method}`, method, ...grid, ...marks };
  }
  const { groupSize, symmetric } = quantization;
  const group = groupSize === -1 ? "channel" : `g${groupSize}`;
  const name = `${prefix}w${bits}-${group}-${method}${symmetric ? "-sym" : ""}`;
  return { name, method, bits, groupSize, symmetric, ...marks };
}

/** The same grid, mended. */
export function restoredVariant(patient: Variant, restoredBy: NonNullable<Variant["restoredBy"]>): Variant {
  return { ...patient, name: `${patient.name}+${restoredBy}`, restoredBy };
}

/** Every variant that a run of the recipe measures, in the order of its tables. */
export function recipeVariants(recipe: RunRecipe): Variant[] {
  const { preference, qat } = recipe;
  const patient = (bits: RunRecipe["qat"][number]["bits"]): Variant =>
    quantizedVariant(recipe, { method: "gptq", bits });
  const arms = preference === null ? [] : preferenceArms(preference);
  return [
    fullVariant,
    ...quantizedVariants(recipe),
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
