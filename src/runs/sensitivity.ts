/** @file What a choice of widths leaves on disk: sensitivity.jsonl, one line a unit and width, and allocation.json. */
import { z } from "zod";

/** What one unit of a model loses at one width. */
export const sensitivitySchema = z.strictObject({
  layer: z.int(),
  /** What of the layer, e.g. `q k v`. */
  part: z.string(),
  modules: z.array(z.string()),
  bits: z.literal([2, 3, 4, 5, 6, 8]),
  /** How it was rounded. */
  roundedBy: z.enum(["rtn", "gptq"]),
  /** Width of all other units; null where they were in full precision. */
  surroundingBits: z.int().nullable(),
  /** KL(full ‖ with this unit at this width) of the next token, nats, mean over the tokens that count. */
  divergence: z.number(),
});
export type SensitivityRecord = z.infer<typeof sensitivitySchema>;

/** A point of the trade between size and predicted loss. */
const tradeSchema = z.strictObject({ averageBits: z.number(), divergence: z.number() });
export type TradePoint = z.infer<typeof tradeSchema>;

/** Which width each unit got, and what was predicted and measured of the whole. */
export const allocationSchema = z.strictObject({
  variant: z.string(),
  /** Bits a weight that were asked for, codes alone. */
  budget: z.number(),
  /** Bits a weight that were chosen, codes alone. */
  averageBits: z.number(),
  /** The same with scales and zero points. */
  storedBits: z.number(),
  /** Tokens the divergences are means over. */
  tokens: z.int(),
  /** The unit's widths that were chosen. */
  units: z.array(sensitivitySchema),
  /** Divergence of the surroundings, and what each chosen width adds to it or takes from it. */
  predicted: z.number(),
  /** KL(full ‖ the model that was made); null until it is made. */
  measured: z.number().nullable(),
  /** Predicted divergence of every width that all units could have; of the surrounding width it is measured. */
  uniform: z.array(tradeSchema),
  /** Predicted divergence of the best choice at some average widths. */
  frontier: z.array(tradeSchema),
});
export type AllocationRecord = z.infer<typeof allocationSchema>;
