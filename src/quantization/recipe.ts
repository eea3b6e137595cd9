import { z } from "zod";
import { awqOptionsSchema, type AwqOptions } from "./awq-options.ts";
import { gptqOptionsSchema, type GptqOptions } from "./gptq-options.ts";
import { gridFields, gridOptionsSchema, type GridOptions } from "./grid-options.ts";
import { gridOverrideSchema, type GridOverride } from "./grid-overrides.ts";
import { smoothQuantOptionsSchema, type SmoothQuantOptions } from "./smoothquant-options.ts";

/** What single modules have otherwise than the rest. */
interface ModuleSettings {
  /** Other grids for some linears of the decoder layers, or none; each changes what the one before it left. Default: none. */
  readonly overrides: readonly GridOverride[];
  /** Grid of the embedding table, rounded to nearest; with tied embeddings it is the head too. Default: null, kept as it is. */
  readonly embedding: GridOptions | null;
  /** Grid of the head of a model whose embeddings are not tied, rounded to nearest. Default: null, kept as it is. */
  readonly head: GridOptions | null;
}

/** How a model is quantized. */
export type QuantizationRecipe = ModuleSettings &
  (
    | ({ readonly method: "rtn" } & GridOptions)
    | ({ readonly method: "gptq" } & GptqOptions)
    | ({ readonly method: "awq" } & AwqOptions)
    | ({ readonly method: "smoothquant" } & SmoothQuantOptions)
  );

/** A grid that no activations decide on. */
const plainGridSchema = z
  .strictObject({
    ...gridFields,
    range: z.enum(["minmax", "mse"]).default("minmax"),
    activations: z.null().default(null),
  })
  .nullable()
  .default(null);

const moduleSettings = {
  overrides: z.array(gridOverrideSchema).default([]),
  embedding: plainGridSchema,
  head: plainGridSchema,
} as const;

/** Fills defaults and rejects unknown keys. */
export const quantizationRecipeSchema = z.discriminatedUnion("method", [
  gridOptionsSchema.extend({ method: z.literal("rtn"), ...moduleSettings }),
  gptqOptionsSchema.extend({ method: z.literal("gptq"), ...moduleSettings }),
  awqOptionsSchema.extend({ method: z.literal("awq"), ...moduleSettings }),
  smoothQuantOptionsSchema.extend({ method: z.literal("smoothquant"), ...moduleSettings }),
]) satisfies z.ZodType<QuantizationRecipe>;

/** A recipe whose defaults need not be filled in. */
export type QuantizationRecipeInput = z.input<typeof quantizationRecipeSchema>;
