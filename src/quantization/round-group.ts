import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import type { LinearKind } from "../models/linear-sites.ts";
import type { Calibrator, InputStatistics } from "./calibrator.ts";
import { gptqOptionsSchema, type GptqOptions } from "./gptq-options.ts";
import { quantizeWithFactor } from "./gptq.ts";
import type { GridOptions } from "./grid-options.ts";
import { factorHessian } from "./hessian-factor.ts";
import type { Matrix } from "./matrix.ts";
import { searchOutputGrids, type MatrixGrids } from "./output-clip.ts";
import type { QuantizationRecipe } from "./recipe.ts";
import { quantizeRtn } from "./rtn.ts";

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

/** What the linears read, and the engine that computes with it. */
interface GroupInputs {
  readonly inputs: InputStatistics;
  readonly calibrator: Pick<Calibrator, "subtract" | "energies">;
}

/** Prepares the rounding that a recipe asks for; `group` is null without calibration text. */
export async function groupRounding(
  recipe: QuantizationRecipe,
  group: GroupInputs | null,
): Promise<GroupRounding> {
  const settings = gptqSettings(recipe);
  if (group === null || settings === null) {
    return {
      round: async (weight, grid) => {
        const grids = await chosenGrids(weight, grid, group);
        return { matrix: quantizeRtn(weight, grid, grids), dampingFraction: null };
      },
      warnings: [],
    };
  }
  const { subtract } = group.calibrator;
  const hessian = await factorHessian(group.inputs.gram, settings, subtract);
  const { dampingFraction } = hessian;
  return {
    round: async (weight, grid) => {
      const grids = await chosenGrids(weight, grid, group);
      const call = { ...settings, ...grid, subtract, ...(grids === undefined ? {} : { grids }) };
      return { matrix: await quantizeWithFactor(weight, hessian, call), dampingFraction };
    },
    warnings: [],
  };
}

/** Grids that calibration text decides on; undefined where the weights alone do. */
async function chosenGrids(
  weight: Matrix,
  grid: GridOptions,
  group: GroupInputs | null,
): Promise<MatrixGrids | undefined> {
  if (grid.range !== "output" || group === null) return undefined;
  const { gram } = group.inputs;
  return searchOutputGrids(weight, grid, { gram, groupEnergies: group.calibrator.energies.ofGroups });
}

/** The grid that a linear is rounded to; AWQ's code never clips q and k, whose products make the attention scores. */
export function roundingGrid(
  { method }: QuantizationRecipe,
  grid: GridOptions,
  kind: LinearKind,
): GridOptions {
  const isScore = kind === "q" || kind === "k";
  return method === "awq" && isScore && grid.range === "output" ? { ...grid, range: "minmax" } : grid;
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
