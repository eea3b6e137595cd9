import { type MathToken, tokenKinds } from "./numeric-expression.ts";

const tokenPattern =
  /(?<number>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)|(?<operator>[-+*/])|(?<open>[([{])|(?<close>[)\]}])|(?<equals>[=≈])|(?<percent>%)|(?<word>[\p{L}_][\p{L}'_]*)|(?<break>\S)/gu;

/** Cuts text with plain or LaTeX arithmetic into tokens; spaces, markdown stars, currency signs and calculator marks are dropped. */
export function mathTokens(text: string): MathToken[] {
  const plain = plainMathematics(text);
  let end = -1;
  return [...plain.matchAll(tokenPattern)].map((match) => {
    const kind = tokenKinds.find((name) => match.groups?.[name] !== undefined) ?? "break";
    const token = { kind, text: match[0], attached: match.index === end };
    end = match.index + match[0].length;
    return token;
  });
}

function plainMathematics(text: string): string {
  return text
    .replaceAll(/<<[^<>]*>>/g, "")
    .replaceAll(/^[^\S\n]*[-*•]\s+/gm, "; ")
    .replaceAll(/\\(?:text|mbox|mathrm|textbf|mathbf)\s*\{([^{}]*)\}/g, " $1 ")
    .replaceAll(/\\(?:d|t)?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g, "(($1)/($2))")
    .replaceAll(/\\(?:times|cdot|ast)(?![a-z])|[×·∗]/g, "*")
    .replaceAll(/\\div(?![a-z])|÷/g, "/")
    .replaceAll(/\\approx(?![a-z])/g, "≈")
    .replaceAll(/\\(?:left|right|quad|qquad)(?![a-z])|\\[()[\],;:!]|\\\\|\*\*/g, " ")
    .replaceAll(/\b(?:and|or|so|then|which|thus|hence|therefore)\b/gi, ";")
    .replaceAll("{,}", ",")
    .replaceAll(/\\?[$€£]/g, "")
    .replaceAll(String.raw`\%`, "%")
    .replaceAll(/[−–]/g, "-")
    .replaceAll(/(?<=\d)\s*[xX]\s*(?=[\d(])/g, "*")
    .replaceAll(/(?<=[\d%])\s+of\s+(?=[\d(])/g, " * ");
}
