/**
 * @file Scores of SentencePiece and lists of merges, each of which can stand for the other.
 *
 * SentencePiece joins the neighbours whose union scores best; a merge list says the same pair by pair. Hugging Face makes the list from all
 * splits of each piece into two pieces, best piece first, and of one piece by the ids of the parts (transformers `generate_merges`).
 */

/** Longer pieces exist in no vocabulary, and splitting them would take long. */
export const MAX_PIECE_LENGTH = 128;

type Merge = readonly [string, string];

/** The merges that scores stand for. `pieces` are those that text can be joined to, each at most {@link MAX_PIECE_LENGTH} long. */
export function mergesOfScores(
  pieces: ReadonlyMap<string, { readonly id: number; readonly score: number }>,
): Merge[] {
  const ranked = [...pieces].toSorted(
    ([, left], [, right]) => right.score - left.score || left.id - right.id,
  );
  return ranked.flatMap(([piece]) => splitsOf(piece, pieces));
}

/**
 * Scores that stand for a list of merges: -1, -2 … for the joined pieces in their order. Null when no scores do: a piece whose merges do not
 * follow each other, or a pair that the list leaves out.
 */
export function scoresOfMerges(
  merges: readonly Merge[],
  pieces: ReadonlyMap<string, { readonly id: number }>,
): Map<string, number> | null {
  const scores = new Map<string, number>();
  const pairs = new Set<string>();
  let previous: string | null = null;
  for (const [left, right] of merges) {
    const piece = left + right;
    if (piece !== previous && scores.has(piece)) return null;
    scores.set(piece, scores.get(piece) ?? -(scores.size + 1));
    pairs.add(`${left} ${right}`);
    previous = piece;
  }
  for (const piece of pieces.keys()) {
    if (piece.length > MAX_PIECE_LENGTH) return null;
    if (splitsOf(piece, pieces).some(([left, right]) => !pairs.has(`${left} ${right}`))) return null;
  }
  return scores;
}

function splitsOf(piece: string, pieces: ReadonlyMap<string, { readonly id: number }>): Merge[] {
  const characters = Array.from(piece);
  const splits: { readonly pair: Merge; readonly left: number; readonly right: number }[] = [];
  for (let split = 1; split < characters.length; split++) {
    const pair: Merge = [characters.slice(0, split).join(""), characters.slice(split).join("")];
    const [left, right] = pair.map((part) => pieces.get(part));
    if (left !== undefined && right !== undefined) splits.push({ pair, left: left.id, right: right.id });
  }
  return splits
    .toSorted((first, second) => first.left - second.left || first.right - second.right)
    .map(({ pair }) => pair);
}
