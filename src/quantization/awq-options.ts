import { z } from "zod";
import { gridOptionsSchema, type GridOptions } from "./grid-options.ts";

/** Settings of {@link https://arxiv.org/abs/2306.00978 | AWQ}. */
export interface AwqOptions extends GridOptions {
  /** Exponents that the scale search tries, evenly spaced from 0 below 1 ("n_grid"). Default: 20. */
  readonly ratios: number;
  /** How the scaled weights are rounded: to nearest as in the paper, or by GPTQ with its defaults. Default: "nearest". */
  readonly rounding: "nearest" | "gptq";
}

/** Fills defaults and rejects unknown keys. */
export const awqOptionsSchema = gridOptionsSchema.extend({
  // AWQ's own search for the range
  range: z.enum(["minmax", "mse", "output"]).default("output"),
  ratios: z.int().min(1).max(100).default(20),
  rounding: z.enum(["nearest", "gptq"]).default("nearest"),
}) satisfies z.ZodType<AwqOptions>;
