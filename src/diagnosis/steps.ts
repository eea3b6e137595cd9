/** One step of a written solution, with its place in the text it was cut from. */
export interface SolutionStep {
  /** As written, without surrounding space. */
  readonly text: string;
  /** Offsets in the completion, UTF-16 units: `completion.slice(start, end)` is `text`. */
  readonly start: number;
  readonly end: number;
}

/**
 * Cuts a solution into steps, first rule that finds at least two wins:
 * 1. headings numbered upwards from 1 (`Step 1: …`, `1. …`, `**Step 2** …`): a step goes up to the next heading, a `####` line stands alone;
 * 2. non-empty lines;
 * 3. sentences of prose.
 */
export function solutionSteps(completion: string): SolutionStep[] {
  const headed = cut(completion, headingOffsets(completion));
  if (headed.length > 1) return headed;
  const lines = cut(completion, offsetsAfter(completion, /\n+/g));
  if (lines.length > 1) return lines;
  return cut(completion, offsetsAfter(completion, /[.!?]["')]?\s+(?=[A-Z"'(\\$])/g));
}

/** The text before a step, exactly as written; the whole text when there is no such step. */
export function textBeforeStep(completion: string, step: number): string {
  return completion.slice(0, solutionSteps(completion)[step]?.start ?? completion.length);
}

function headingOffsets(text: string): number[] {
  const heading =
    /(?:^|\n)[^\S\n]*(?:[#*_]*\s*step\s+(\d{1,3})\b|[*_]*(\d{1,3})[.)][*_]*[^\S\n]+(?=\S))|\bstep (\d{1,3}):/gi;
  const offsets: number[] = [];
  for (const match of text.matchAll(heading))
    if (Number(match[1] ?? match[2] ?? match[3]) === offsets.length + 1) offsets.push(match.index);
  if (offsets.length < 2) return [];
  const answer = text.lastIndexOf("\n####");
  return answer > offsets.at(-1)! ? [...offsets, answer] : offsets;
}

const offsetsAfter = (text: string, separator: RegExp): number[] =>
  [...text.matchAll(separator)].map((match) => match.index + match[0].length);

/** The trimmed, non-empty pieces between `offsets`. */
function cut(text: string, offsets: readonly number[]): SolutionStep[] {
  const bounds = [0, ...offsets, text.length];
  return bounds.slice(1).flatMap((bound, index) => {
    const piece = text.slice(bounds[index], bound);
    const start = bounds[index]! + piece.length - piece.trimStart().length;
    const trimmed = piece.trim();
    return trimmed === "" ? [] : [{ text: trimmed, start, end: start + trimmed.length }];
  });
}
