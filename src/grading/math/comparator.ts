/** What decided that two answers are the same, strongest first; of several that took part the weakest is named. */
const comparators = [
  "same text",
  "number",
  "text",
  "choice",
  "algebra",
  "set",
  "interval",
  "matrix",
  "ratio",
  "relation",
  "named value",
  "unit",
  "degree",
  "base",
  "percent",
  "rounded",
  "numeric",
] as const;

export type Comparator = (typeof comparators)[number];

/** The weakest of what took part. */
export function weakest(found: readonly Comparator[]): Comparator {
  return comparators[Math.max(...found.map((comparator) => comparators.indexOf(comparator)))]!;
}
