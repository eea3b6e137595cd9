/** @file Finds the final answer in a completion: the text a model marked as its answer, before anybody says whether it is right. */

/** How an answer was marked in the text. */
export type AnswerMark = "####" | "boxed" | "the answer is" | "last number";

/** The marks read by default, strongest first. `last number` is a guess and is read only where a task asks for it. */
const defaultAnswerMarks: readonly AnswerMark[] = ["####", "boxed", "the answer is"];

/** Outcome of looking for the final answer. */
export type Extraction =
  | {
      readonly found: true;
      readonly text: string;
      readonly mark: AnswerMark;
      /** Offset of the mark in the completion, UTF-16 units. */
      readonly start: number;
    }
  | { readonly found: false; readonly reason: "no-mark" | "unclosed-box" | "empty" };

type Finder = (completion: string) => Extraction;

const finders: Readonly<Record<AnswerMark, Finder>> = {
  "####": lastHashLine,
  boxed: lastBox,
  "the answer is": lastSentence,
  "last number": lastNumber,
};

/**
 * Finds the final answer: the first of `marks` that occurs at all, and of that mark the LAST occurrence.
 *
 * `####` needs a digit after it on the same line; `\boxed{…}` and `\fbox{…}` are read with nested braces, `\boxed 7` without;
 * "the answer is …" (also "final answer: …") ends with its sentence.
 */
export function extractAnswer(
  completion: string,
  marks: readonly AnswerMark[] = defaultAnswerMarks,
): Extraction {
  let missing: Extraction = { found: false, reason: "no-mark" };
  for (const mark of marks) {
    const extraction = finders[mark](completion);
    if (extraction.found) return extraction;
    if (extraction.reason !== "no-mark") missing = extraction;
  }
  return missing;
}

function lastHashLine(completion: string): Extraction {
  const matches = [...completion.matchAll(/####[^\S\n]*([^\n]*)/g)];
  const match = matches.findLast(([, rest = ""]) => /\d/.test(rest));
  if (match !== undefined) return { found: true, text: match[1]!.trim(), mark: "####", start: match.index };
  return { found: false, reason: matches.length > 0 ? "empty" : "no-mark" };
}

function lastBox(completion: string): Extraction {
  const matches = [...completion.matchAll(/\\(?:boxed|fbox)\s*(?:\{|(?=[^\s{]))/g)];
  let reason: "no-mark" | "unclosed-box" | "empty" = "no-mark";
  for (const match of matches.toReversed()) {
    const start = match.index + match[0].length;
    const text = match[0].endsWith("{")
      ? untilClosingBrace(completion, start)
      : completion.slice(start).split(/[\s$]/, 1)[0]!;
    if (text === null) reason = "unclosed-box";
    else if (text.trim() === "") reason = "empty";
    else return { found: true, text: text.trim(), mark: "boxed", start: match.index };
  }
  return { found: false, reason };
}

/** The text from `start` to the brace that closes the one before it; null when it is never closed. `\{` and `\}` do not count. */
function untilClosingBrace(text: string, start: number): string | null {
  let depth = 1;
  for (let position = start; position < text.length; position++) {
    const character = text[position];
    if (character === "\\") position++;
    else if (character === "{") depth++;
    else if (character === "}" && --depth === 0) return text.slice(start, position);
  }
  return null;
}

function lastSentence(completion: string): Extraction {
  const pattern = /\b(?:answer\s+is|final\s+answer)\b\s*:?\s*(?:\*\*)?\s*((?:[^\n.]|\.(?=\d))+)/gi;
  const match = [...completion.matchAll(pattern)].at(-1);
  if (match === undefined) return { found: false, reason: "no-mark" };
  return { found: true, text: match[1]!.trim(), mark: "the answer is", start: match.index };
}

function lastNumber(completion: string): Extraction {
  const match = [...completion.matchAll(/[+-]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?/g)].at(-1);
  if (match === undefined) return { found: false, reason: "no-mark" };
  return { found: true, text: match[0], mark: "last number", start: match.index };
}
