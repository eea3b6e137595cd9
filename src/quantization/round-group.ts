import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import type { InputStatistics } from "./calibrator.ts";
import { gptqOptionsSchema, type GptqOptions } from "./gptq-options.ts";
import { quantizeWithFactor } from "./gptq.ts";
import type { GridOptions } from "./grid-options.ts";
import { factorHessian } from "./hessian-factor.ts";
import type { Matrix } from "./matrix.ts";
import type { QuantizationRecipe } from "./recipe.ts";
import { quantizeRtn } from "./rtn.ts";
import type { SubtractProduct } from "./subtract-product.ts";

/** One rounded linear. */
export interface Rounded {
  readonly matrix: QuantizedMatrix;
  /** Null where weights went to the nearest code. */
  readonly dampingFraction: number | null;
}

/** How a group of linears that read the same input is rounded. */
export interface GroupRounding {
  readonly round: (weight: Matrix, grid: GridOptions) => Promise<Rounded>;
  /** What is not as the recipe asks, and why. */
  readonly warnings: readonly string[];
}

/** Prepares the rounding that a recipe asks for, for linears with these inputs; null without calibration text. */
export async function groupRounding(
  recipe: QuantizationRecipe,
  { inputs, subtract }: { inputs: InputStatistics | null; subtract: SubtractProduct | undefined },
): Promise<GroupRounding> {
  const settings = gptqSettings(recipe);
  if (settings === null || inputs === null) {
    const nearest = (weight: Matrix, grid: GridOptions): Rounded => ({
      matrix: quantizeRtn(weight, grid),
      dampingFraction: null,
    });
    return { round: async (weight, grid) => nearest(weight, grid), warnings: [] };
  }
  const hessian = await factorHessian(inputs.gram, settings, subtract);
  const { dampingFraction } = hessian;
  return {
    round: async (weight, grid) => {
      const call = { ...settings, ...grid, ...(subtract === undefined ? {} : { subtract }) };
      return { matrix: await quantizeWithFactor(weight, hessian, call), dampingFraction };
    },
    warnings: [],
  };
}

type GptqSettings = Pick<GptqOptions, "dampingFraction" | "columnOrder" | "blockSize">;

/** Null for a recipe that rounds to nearest. */
function gptqSettings(recipe: QuantizationRecipe): GptqSettings | null {
  switch (recipe.method) {
    case "gptq":
      return recipe;
    case "awq":
      return recipe.rounding === "gptq" ? gptqOptionsSchema.parse({ bits: recipe.bits }) : null;
    case "rtn":
    case "smoothquant":
      return null;
    default:
      return recipe satisfies never;
  }
}
