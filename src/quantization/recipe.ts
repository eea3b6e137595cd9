import { z } from "zod";
import { gptqOptionsSchema, type GptqOptions } from "./gptq-options.ts";
import { gridOptionsSchema, type GridOptions } from "./grid-options.ts";

/** How every linear of the decoder layers is quantized; embedding, head and norms stay as they are. */
export type QuantizationRecipe =
  | ({ readonly method: "rtn" } & GridOptions)
  | ({ readonly method: "gptq" } & GptqOptions);

/** Fills defaults and rejects unknown keys. */
export const quantizationRecipeSchema = z.discriminatedUnion("method", [
  gridOptionsSchema.extend({ method: z.literal("rtn") }),
  gptqOptionsSchema.extend({ method: z.literal("gptq") }),
]) satisfies z.ZodType<QuantizationRecipe>;
