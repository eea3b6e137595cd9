import {
  add,
  divide,
  type ExactNumber,
  multiply,
  negate,
  parseExactNumber,
  subtract,
} from "../grading/exact-number.ts";

/** Kinds of {@link MathToken}, named like the groups of the pattern that finds them. */
export const tokenKinds = [
  "number",
  "operator",
  "open",
  "close",
  "equals",
  "percent",
  "word",
  "break",
] as const;

/** A token of a mathematical text. `percent` follows a number; `word` is any run of letters. */
export interface MathToken {
  readonly kind: (typeof tokenKinds)[number];
  readonly text: string;
  /** True when nothing stands between this token and the one before. */
  readonly attached: boolean;
}

/** Deeper nesting is no arithmetic a solution writes; the limit keeps recursion off untrusted text bounded. */
const deepestNesting = 50;

/**
 * The value of tokens that are a whole arithmetic expression (numbers, + - * /, parentheses, percent); null for anything else.
 *
 * Recursive descent; a sign may stand before a number or a parenthesis; a parenthesis with no space before it multiplies.
 */
export function expressionValue(tokens: readonly MathToken[]): ExactNumber | null {
  let position = 0;
  let depth = 0;
  const isOperator = (...signs: string[]): boolean =>
    tokens[position]?.kind === "operator" && signs.includes(tokens[position]!.text);

  const opensAttached = (): boolean => tokens[position]?.kind === "open" && tokens[position]!.attached;

  const sum = (): ExactNumber | null => {
    let value = product();
    while (value !== null && isOperator("+", "-")) {
      const combine = tokens[position++]!.text === "+" ? add : subtract;
      const right = product();
      value = right === null ? null : combine(value, right);
    }
    return value;
  };
  const product = (): ExactNumber | null => {
    let value = factor();
    while (value !== null && (isOperator("*", "/") || opensAttached())) {
      const combine = isOperator("/") ? divide : multiply;
      if (tokens[position]!.kind === "operator") position++;
      const right = factor();
      value = right === null ? null : combine(value, right);
    }
    return value;
  };
  const factor = (): ExactNumber | null => {
    if (isOperator("+", "-")) {
      const negative = tokens[position++]!.text === "-";
      const value = ++depth > deepestNesting ? null : factor();
      depth--;
      return value !== null && negative ? negate(value) : value;
    }
    const value = tokens[position]?.kind === "open" ? parenthesis() : number();
    if (tokens[position]?.kind !== "percent" || value === null) return value;
    position++;
    return divide(value, hundred);
  };
  const parenthesis = (): ExactNumber | null => {
    position++;
    const value = ++depth > deepestNesting ? null : sum();
    depth--;
    return tokens[position++]?.kind === "close" ? value : null;
  };
  const number = (): ExactNumber | null => {
    const token = tokens[position++];
    return token?.kind === "number" ? parseExactNumber(token.text) : null;
  };

  const value = sum();
  return position === tokens.length ? value : null;
}

const hundred: ExactNumber = { numerator: 100n, denominator: 1n };
