import { type ExactNumber, parseExactNumber } from "./exact-number.ts";

const numberPattern = /[+-]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:\s*\/\s*\d+)?|[+-]?\.\d+/g;

/**
 * The value a short answer text stands for: `$1,200.50`, `\frac{3}{4}`, `18 apples`, `x = 7`, `12.`, `25\%` (as 25).
 *
 * Null when the text holds no number, more than one, or something a number alone does not say (`3x`, `2^5`).
 */
export function numericAnswer(text: string): ExactNumber | null {
  const plain = plainText(text);
  const whole = parseExactNumber(plain);
  if (whole !== null) return whole;
  if (/[\^_\\+*=]|\d[a-z](?![a-z])|[a-z]\s*[-/]\s*\d|\d\s*[-/]\s*[a-z]/i.test(plain)) return null;
  const found = plain.match(numberPattern) ?? [];
  return found.length === 1 ? parseExactNumber(found[0]) : null;
}

/** Takes off what surrounds a number in LaTeX and prose without changing its value. */
function plainText(text: string): string {
  return text
    .replaceAll(/\\(?:d|t)?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g, "$1/$2")
    .replaceAll(/\\(?:d|t)?frac\s*(\d)\s*(\d)/g, "$1/$2")
    .replaceAll(/\\(?:text|mbox|mathrm|textbf|mathbf)\s*\{([^{}]*)\}/g, " $1 ")
    .replaceAll(/\\(?:left|right|displaystyle)(?![a-z])|\\[!,;: ]|\{,\}/g, (mark) =>
      mark === "{,}" || mark === String.raw`\!` || mark === String.raw`\,` ? "" : " ",
    )
    .replaceAll(/\\?[$%]|€|£|\\\(|\\\)|\*\*/g, "")
    .replaceAll("−", "-")
    .trim()
    .replace(/^[a-z]\s*=\s*/i, "")
    .replace(/[.,;:!]+$/, "")
    .trim();
}
