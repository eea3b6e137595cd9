import { smallNumber } from "./number-text.ts";

/** A predicted divergence. Divergences are never negative: below 0 the parts do not add up that far from where they were measured. */
export function predictedText(divergence: number): string {
  return divergence < 0 ? "none" : smallNumber(divergence);
}
