import type { CompletionAgreement } from "../runs/run-comparison.ts";

/** Where two sequences part: index of the first element that differs, the shorter one's length where it begins the other; null for equal ones. */
function firstDifference(left: ArrayLike<string | number>, right: ArrayLike<string | number>): number | null {
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index++) if (left[index] !== right[index]) return index;
  return left.length === right.length ? null : shared;
}

/** Compares texts in pairs, as sequences of `unit`s. */
export function completionAgreement(
  pairs: readonly (readonly [ArrayLike<string | number>, ArrayLike<string | number>])[],
  unit: CompletionAgreement["unit"],
): CompletionAgreement {
  const parting = pairs.flatMap(([left, right]) => {
    const index = firstDifference(left, right);
    return index === null ? [] : [{ index, part: index / Math.max(left.length, right.length) }];
  });
  return {
    unit,
    pairs: pairs.length,
    identical: pairs.length - parting.length,
    medianFirstDifference: median(parting.map(({ index }) => index)),
    medianSharedPart: median(parting.map(({ part }) => part)),
  };
}

/** Middle value, or the mean of the two; null of none. */
function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}
