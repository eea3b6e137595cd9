/** @file Answers of multiple choice: one capital letter. */

const bare = /^[\s$\\({[]*(?:\\?(?:text|mathrm|textbf|mathbf)\s*\{)?[\s({[]*([A-J])[\s)}\].:$\\]*$/u;

/** With brackets and styles around the letter. */
const LONGEST_CHOICE = 40;

/** The letter of an answer that is nothing but one: `C`, `(C)`, `\text{(C)}.`; null for anything else. */
export function bareChoice(text: string): string | null {
  const trimmed = text.trim();
  return trimmed.length > LONGEST_CHOICE ? null : (bare.exec(trimmed)?.[1] ?? null);
}

// "A train" and "I think" begin with words: A and I count only where no small letter follows.

/** The letter that a text chooses: boxed, after "answer is", at its beginning, in brackets, or the last that stands alone. */
export function chosenLetter(text: string): string | null {
  const end = text.slice(-20_000).replaceAll(/[\s$({[*]{8,}/gu, " ");
  const boxed = [...end.matchAll(/\\boxed\s*\{([^{}]*(?:\{[^{}]*\})?[^{}]*)\}/gu)].at(-1)?.[1];
  if (boxed !== undefined) return bareChoice(boxed) ?? chosenLetter(boxed);
  const phrase = [
    ...end.matchAll(/answer\s*(?:is|:|choice(?: is)?)?\s*:?\s*\**[\s$({[]*([A-J])(?![\p{L}\d'])/giu),
  ].at(-1)?.[1];
  if (phrase !== undefined && /[A-J]/u.test(phrase)) return phrase;
  const first = /^[\s$*({[]*([B-HJ]|[AI](?!\s+[a-z]))(?:[\s).:\]}$*。、，,]|$)/u.exec(end)?.[1];
  if (first !== undefined) return first;
  const bracketed = [...end.matchAll(/\(([A-J])\)/gu)].at(-1)?.[1];
  if (bracketed !== undefined) return bracketed;
  return [...end.matchAll(/(?<![\p{L}\d'’])([B-HJ]|[AI](?!\s+[a-z]))(?![\p{L}\d'’])/gu)].at(-1)?.[1] ?? null;
}
