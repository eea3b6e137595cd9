/** The cycle a sequence ends in: its last `length` elements repeat with period `period`. */
export interface TailCycle {
  readonly period: number;
  readonly length: number;
}

/**
 * Of all ends of `sequence` that repeat a cycle at least `repeats` times, the longest; null when there is none.
 *
 * The last repetition may be cut short, as it is when the token limit ends a loop.
 */
export function tailCycle(sequence: ArrayLike<string | number>, repeats: number): TailCycle | null {
  return longestCycle(tailPeriods(sequence), repeats);
}

/**
 * The smallest period of every end of `sequence`: of its last k + 1 elements at index k.
 *
 * Linear time: read from the border table of the reversed sequence (Knuth, Morris, Pratt 1977).
 */
export function tailPeriods(sequence: ArrayLike<string | number>): Int32Array {
  const reversed = numbered(sequence).toReversed();
  // periods[k] = k + 1 - border[k], border[k] being the longest proper border of the last k + 1 elements, reversed.
  const border = new Int32Array(reversed.length);
  for (let last = 1; last < reversed.length; last++) {
    let matched = border[last - 1]!;
    while (matched > 0 && reversed[last] !== reversed[matched]) matched = border[matched - 1]!;
    border[last] = reversed[last] === reversed[matched] ? matched + 1 : matched;
  }
  return border.map((length, last) => last + 1 - length);
}

/** Equal elements as equal numbers. */
function numbered(sequence: ArrayLike<string | number>): Int32Array {
  if (typeof sequence === "string") {
    const units = new Int32Array(sequence.length);
    for (let index = 0; index < units.length; index++) units[index] = sequence.charCodeAt(index);
    return units;
  }
  const numbers = new Map<string | number, number>();
  return Int32Array.from(sequence, (element) => {
    const number = numbers.get(element) ?? numbers.size;
    numbers.set(element, number);
    return number;
  });
}

/** {@link tailCycle} of a sequence with these {@link tailPeriods}. */
export function longestCycle(periods: Int32Array, repeats: number): TailCycle | null {
  for (let last = periods.length - 1; last > 0; last--) {
    const period = periods[last]!;
    if (last + 1 >= repeats * period) return { period, length: last + 1 };
  }
  return null;
}
