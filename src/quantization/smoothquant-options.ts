import { z } from "zod";
import { gridOptionsSchema, type GridOptions } from "./grid-options.ts";

/** Settings of {@link https://arxiv.org/abs/2211.10438 | SmoothQuant}; the grid's defaults are those of W8A8. */
export interface SmoothQuantOptions extends GridOptions {
  /** How much of the activations' range moves into the weights ("alpha"). Default: 0.85. */
  readonly alpha: number;
  /** Which scales are folded: those of linears that read a norm, as in the paper, or also those of o and down. Default: "norms". */
  readonly folds: "norms" | "all";
}

/** Fills defaults and rejects unknown keys. */
export const smoothQuantOptionsSchema = gridOptionsSchema.extend({
  bits: z.literal([2, 3, 4, 5, 6, 8]).default(8),
  groupSize: z.union([z.int().positive(), z.literal(-1)]).default(-1),
  symmetric: z.boolean().default(true),
  activations: z.literal("int8-per-token").nullable().default("int8-per-token"),
  alpha: z.number().min(0).max(1).default(0.85),
  folds: z.enum(["norms", "all"]).default("norms"),
}) satisfies z.ZodType<SmoothQuantOptions>;
