/** The cycle a sequence ends in: its last `length` elements repeat with period `period`. */
export interface TailCycle {
  readonly period: number;
  readonly length: number;
}

/**
 * Of all ends of `sequence` that repeat a cycle at least `repeats` times, the longest; null when there is none.
 *
 * The last repetition may be cut short, as it is when the token limit ends a loop. Linear time: the smallest period of every
 * end is read from the border table of the reversed sequence (Knuth, Morris, Pratt 1977).
 */
export function tailCycle(sequence: ArrayLike<string | number>, repeats: number): TailCycle | null {
  const count = sequence.length;
  // border[k]: longest proper border of the last k + 1 elements, reversed.
  const border = new Int32Array(count);
  const fromEnd = (index: number): string | number | undefined => sequence[count - 1 - index];
  let longest: TailCycle | null = null;
  for (let last = 1; last < count; last++) {
    let matched = border[last - 1]!;
    while (matched > 0 && fromEnd(last) !== fromEnd(matched)) matched = border[matched - 1]!;
    if (fromEnd(last) === fromEnd(matched)) matched++;
    border[last] = matched;
    const period = last + 1 - matched;
    if (last + 1 >= repeats * period) longest = { period, length: last + 1 };
  }
  return longest;
}
