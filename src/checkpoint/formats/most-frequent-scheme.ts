import type { QuantizationScheme } from "./quantization-config.ts";

/** The scheme that most modules have, the earliest of several; what settings state once, with exceptions by name. */
export function mostFrequentScheme(schemes: Iterable<QuantizationScheme>): QuantizationScheme | undefined {
  const equal = Map.groupBy(schemes, ({ bits, groupSize, symmetric }) => `${bits} ${groupSize} ${symmetric}`);
  return [...equal.values()].toSorted((left, right) => right.length - left.length)[0]?.[0];
}
