import { z } from "zod";
import type { Bits } from "../checkpoint/quantized-matrix.ts";
import { BitmendError } from "../util/errors.ts";
import type { Matrix } from "./matrix.ts";

/** The grid that weights are rounded to, the same for every method. */
export interface GridOptions {
  readonly bits: Bits;
  /** Consecutive input features that share one scale; -1 for the whole row (per channel). Default: 128. */
  readonly groupSize: number;
  /** One fixed zero point 2^(bits-1) instead of one per group. Default: false. */
  readonly symmetric: boolean;
  /**
   * How a group's range is chosen: its extremes, a search for the clipped range of least weight error (clip-search.ts), or of least
   * error of the linear's output on calibration text (output-clip.ts). Default: "minmax".
   */
  readonly range: "minmax" | "mse" | "output";
  /** How the linear rounds what it reads, as in `QuantizedMatrix`; null: not at all. Default: null. */
  readonly activations: "int8-per-token" | null;
}

/** The fields of {@link GridOptions} with their defaults. */
export const gridFields = {
  bits: z.literal([2, 3, 4, 5, 6, 8]),
  groupSize: z.union([z.int().positive(), z.literal(-1)]).default(128),
  symmetric: z.boolean().default(false),
  range: z.enum(["minmax", "mse", "output"]).default("minmax"),
  activations: z.literal("int8-per-token").nullable().default(null),
} as const;

/** Fills defaults and rejects unknown keys. */
export const gridOptionsSchema = z.strictObject(gridFields) satisfies z.ZodType<GridOptions>;

/**
 * The number of columns one scale spans in `weight`.
 *
 * @throws {BitmendError} `quantization/bad-options` when the group size does not divide the columns.
 */
export function groupWidth(weight: Pick<Matrix, "rows" | "columns">, groupSize: number): number {
  if (groupSize === -1) return weight.columns;
  if (groupSize >= 1 && weight.columns % groupSize === 0) return groupSize;
  throw new BitmendError(
    "quantization/bad-options",
    `groupWidth(): expected a group size that divides the input features, got ${groupSize} and shape [${weight.rows}, ${weight.columns}].`,
    { hint: "Choose a divisor, or -1 for one group per output channel." },
  );
}
