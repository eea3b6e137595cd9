/** The known word nearest to a mistyped one, or undefined when none is near (Damerau-Levenshtein, optimal string alignment). */
export function didYouMean(typed: string, known: readonly string[]): string | undefined {
  const allowed = Math.max(1, Math.floor(typed.length / 3));
  const ranked = known
    .map((word) => ({ word, distance: editDistance(typed, word) }))
    .filter(({ word, distance }) => distance <= allowed || (typed.length >= 2 && word.startsWith(typed)))
    .toSorted((left, right) => left.distance - right.distance);
  return ranked[0]?.word;
}

function editDistance(left: string, right: string): number {
  let previous: number[] = [];
  let current = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const next = [row];
    for (let column = 1; column <= right.length; column++) {
      const substitution = current[column - 1]! + (left[row - 1] === right[column - 1] ? 0 : 1);
      let best = Math.min(current[column]! + 1, next[column - 1]! + 1, substitution);
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (row > 1 && column > 1 && swapped) best = Math.min(best, previous[column - 2]! + 1);
      next.push(best);
    }
    previous = current;
    current = next;
  }
  return current[right.length]!;
}
