const LONGEST_ANSWER = 3000;

/** The spelling of an answer without what stands around it: delimiters, boxes, styles, final points, `the answer is`. */
export function plainAnswer(text: string): string {
  // Nobody's answer; and the patterns below would be slow on it.
  if (text.length > LONGEST_ANSWER) return text.trim();
  return unescaped(text)
    .replaceAll("\f", "\\f")
    .replaceAll(/\\(?:boxed|fbox)\s*\{((?:[^{}]|\{[^{}]*\})*)\}/gu, " $1 ")
    .replaceAll(/(\d)\s*(?:percent(?:age)?|pct)\b\.?/giu, "$1\\%")
    .replaceAll(/\\text\s*\{\s*(?:percent|%|pct)\s*\}/giu, "\\%")
    .replaceAll(/(?<!\\)\$|\\[()[\]](?![a-z])/gu, " ")
    .replaceAll(/\*\*([^*]+)\*\*/gu, "$1")
    .replaceAll(/^[\s"'`]+|[\s"'`]+$/gu, "")
    .replaceAll(/(?:[.,;:。，]|\\)+$/gu, "")
    .trim();
}

/** Undoes what an export wrote twice: `\\\\frac`. In a matrix two backslashes end a row. */
function unescaped(text: string): string {
  return text.includes("\\begin") ? text : text.replaceAll(/\\\\(?=[a-zA-Z{}()[\]])/gu, "\\");
}

/** A spelling in which answers that look alike are equal: spaces, sizes of brackets and of fractions, styles are gone. */
export function comparableText(text: string): string {
  return plainAnswer(text)
    .replaceAll(/\\(?:left|right|big|Big|bigl|bigr|Bigl|Bigr|displaystyle|quad|qquad)(?![a-zA-Z])/gu, "")
    .replaceAll(/\\[dt](?=frac|binom)/gu, "\\")
    .replaceAll(/\\(?:text|mathrm|textbf|mathbf|textit|mbox|operatorname|rm)\s*\{([^{}]*)\}/gu, "$1")
    .replaceAll(/\\[!,;: ]|[\s~]|\\$/gu, "")
    .toLowerCase();
}
