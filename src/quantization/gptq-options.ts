import { z } from "zod";
import { gridOptionsSchema, type GridOptions } from "./grid-options.ts";

/** Settings of {@link https://arxiv.org/abs/2210.17323 | GPTQ}. Names in quotes are those of the authors' code. */
export interface GptqOptions extends GridOptions {
  /** Added to the Hessian's diagonal, as a fraction of its mean ("percdamp"). Default: 0.01. */
  readonly dampingFraction: number;
  /** Order in which columns are rounded: as stored, or by falling mean square input with grids fixed beforehand ("act_order", "static_groups"). Default: "activation". */
  readonly columnOrder: "natural" | "activation";
  /** Columns whose corrections to later columns are applied together ("blocksize"); changes speed, never the result. Default: 128. */
  readonly blockSize: number;
  /** Passes of coordinate descent over the codes afterwards (refine-codes.ts). Default: 0. */
  readonly refinementSweeps: number;
}

/** Fills defaults and rejects unknown keys. */
export const gptqOptionsSchema = gridOptionsSchema.extend({
  dampingFraction: z.number().min(0).max(1).default(0.01),
  columnOrder: z.enum(["natural", "activation"]).default("activation"),
  blockSize: z.int().positive().default(128),
  refinementSweeps: z.int().min(0).max(100).default(0),
}) satisfies z.ZodType<GptqOptions>;
