/**
 * Adjusted p values of several comparisons made at once (Holm 1979, step down): each may be held against the level that one comparison
 * would be held against, and the chance of any false finding stays below it. In the order of `pValues`.
 */
export function holmAdjusted(pValues: readonly number[]): number[] {
  const ascending = pValues.map((p, index) => ({ p, index })).toSorted((left, right) => left.p - right.p);
  const adjusted = pValues.map(() => 1);
  let largest = 0;
  for (const [rank, { p, index }] of ascending.entries()) {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * p));
    adjusted[index] = largest;
  }
  return adjusted;
}
