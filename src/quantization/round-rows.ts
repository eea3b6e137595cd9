import type { GptqOptions } from "./gptq-options.ts";
import { quantizeWithFactor } from "./gptq.ts";
import type { GridOptions } from "./grid-options.ts";
import type { HessianFactor } from "./hessian-factor.ts";
import { squaredSums, type SquaredSums } from "./layer-error.ts";
import type { Matrix } from "./matrix.ts";
import type { MatrixGrids } from "./output-clip.ts";
import { refineCodes, type Refinement } from "./refine-codes.ts";
import { quantizeRtn } from "./rtn.ts";
import { subtractProduct, type SubtractProduct } from "./subtract-product.ts";

/** What GPTQ is told besides the grid. */
type GptqSettings = Omit<GptqOptions, keyof GridOptions | "refinementSweeps">;

/** How weights are rounded: to nearest, or by GPTQ. */
export interface Rounding {
  readonly grid: GridOptions;
  /** Grids chosen beforehand; null where they are fitted to the weights. */
  readonly grids: MatrixGrids | null;
  /** Null for rounding to nearest. */
  readonly gptq: {
    readonly hessian: HessianFactor;
    readonly settings: GptqSettings;
    /** Absent: none. */
    readonly refinement?: Pick<Refinement, "gram" | "sweeps">;
  } | null;
}

/** What became of some rows. */
export interface RoundedRows extends SquaredSums {
  readonly codes: Uint8Array;
  readonly scales: Float32Array;
  readonly zeroPoints: Uint8Array;
}

/** Rounds rows of a weight in this thread. */
export async function roundRows(
  weight: Matrix,
  { grid, grids, gptq }: Rounding,
  subtract: SubtractProduct = subtractProduct,
): Promise<RoundedRows> {
  const chosen = grids === null ? {} : { grids };
  const quantized =
    gptq === null
      ? quantizeRtn(weight, grid, grids ?? undefined)
      : await quantizeWithFactor(weight, gptq.hessian, { ...gptq.settings, ...grid, subtract, ...chosen });
  if (gptq?.refinement !== undefined) {
    const { dampingFraction } = gptq.hessian;
    await refineCodes(weight, quantized, { ...gptq.refinement, dampingFraction, subtract });
  }
  const { codes, scales, zeroPoints } = quantized;
  return { codes, scales, zeroPoints, ...squaredSums(weight, quantized) };
}
