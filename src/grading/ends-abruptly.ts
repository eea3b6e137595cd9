import { openThought } from "./thoughts.ts";

/**
 * Whether a text seems to be cut off: it is empty, its thinking is not closed, or its last character ends no sentence, formula, quotation,
 * list of answers or code block. Used where a log does not say why generation ended; a log that does is right instead.
 *
 * A text that ends in a number or word after an answer mark (`####`, "answer is", "answer:") on its last line is whole.
 */
export function endsAbruptly(text: string): boolean {
  const trimmed = text.trimEnd();
  if (trimmed === "" || openThought(trimmed) !== null) return true;
  const last = trimmed.slice(-1);
  if (/[.!?。！？…)\]}>"'”’`$*|]/u.test(last)) return false;
  const lastLine = trimmed.slice(trimmed.lastIndexOf("\n") + 1);
  return !/(?:####|\banswer\s*(?:is|:))/iu.test(lastLine.slice(-200));
}
