import { roundFloats } from "../checkpoint/round-floats.ts";
import type { StoredDataType } from "../checkpoint/tensor-location.ts";

/** Scales that a giver can pass on, and what it becomes. */
export interface StorableScales {
  /** [channels]; the readers' columns are multiplied by these. */
  readonly scales: Float64Array;
  /** [channels], the giver's gain or bias divided by the scales: numbers that its data type holds. Null where the giver has neither. */
  readonly divided: Float32Array | null;
}

/**
 * Adjusts scales to what the giver's gain or bias can be stored as: `divided` = round(vector / scale), scale = vector / `divided`.
 *
 * So rounding to a 16-bit type moves into the readers' columns, which are quantized only afterwards, and the function stays the same. A channel
 * whose quotient is 0 or beyond the type keeps its scale 1, and so does one whose gain is 0 (it carries nothing).
 */
export function storableScales(
  wanted: Float64Array,
  vector: Float32Array | null,
  { dataType, kind }: { dataType: StoredDataType | undefined; kind: "gain" | "bias" },
): StorableScales {
  if (vector === null) return { scales: wanted, divided: null };
  const quotients = vector.map((value, channel) => value / wanted[channel]!);
  const divided = roundFloats(quotients, dataType);
  const scales = wanted.map((scale, channel) => {
    const value = vector[channel]!;
    if (value === 0) return kind === "gain" ? 1 : scale;
    const quotient = divided[channel]!;
    if (quotient !== 0 && Number.isFinite(quotient)) return value / quotient;
    divided[channel] = value;
    return 1;
  });
  return { scales, divided };
}
