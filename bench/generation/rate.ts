/** Tokens per second of a batch. */
export interface Rate {
  readonly median: number;
  /** By the fastest step: what the machine can do when other programs leave it alone for that long. */
  readonly fastest: number;
}

/** The first two steps bind memory and warm caches; they do not count. */
export function rateOf(batch: number, stepSeconds: readonly number[]): Rate {
  const sorted = stepSeconds.slice(2).toSorted((a, b) => a - b);
  return { median: batch / sorted[Math.floor(sorted.length / 2)]!, fastest: batch / sorted[0]! };
}
