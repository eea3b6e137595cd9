/** @file Small steps from parsed pieces to an expression. */
import { exactNumber, parseExactNumber } from "../exact-number.ts";
import { NotMathematics } from "./token-cursor.ts";
import { numberOf, type Expression } from "./expression.ts";

/** `1, 2 or 3` is one list; `p=5, q=2 or p=7, q=2` is a list of two. */
export function flattened(groups: readonly Expression[]): Expression {
  const nested = groups.filter(
    (group) => group.kind === "list" && group.items.every((item) => item.kind === "relation"),
  );
  const isNested = nested.length > 1 || groups.every(({ kind }) => kind === "list");
  const items = isNested
    ? groups
    : groups.flatMap((group) => (group.kind === "list" ? group.items : [group]));
  return { kind: "list", items };
}

export function sumOf(terms: readonly Expression[]): Expression {
  if (terms.length === 0) return numberOf(exactNumber(0n));
  return terms.length === 1 ? terms[0]! : { kind: "sum", terms };
}

export function negated(expression: Expression): Expression {
  if (expression.kind === "number") {
    const { numerator, denominator } = expression.value;
    return { ...expression, value: { numerator: -numerator, denominator } };
  }
  // -[0, 1) is no interval.
  return { kind: "product", factors: [numberOf(exactNumber(-1n)), expression] };
}

export function inverse(expression: Expression): Expression {
  return raised(expression, numberOf(exactNumber(-1n)));
}

export function raised(base: Expression, exponent: Expression): Expression {
  return { kind: "power", base, exponent };
}

export function primed(base: Expression): Expression {
  if (base.kind === "symbol") return { kind: "symbol", name: `${base.name}'` };
  if (base.kind === "call") return { ...base, name: `${base.name}'` };
  return base;
}

/** `2\frac{1}{2}` is 2.5 where the fraction is one of two small whole numbers, the first the smaller. */
export function mixedNumber(whole: Expression, fraction: Expression): Expression | null {
  if (whole.kind !== "number" || fraction.kind !== "product" || fraction.factors.length !== 2) return null;
  const [top, bottom] = fraction.factors;
  if (top?.kind !== "number" || bottom?.kind !== "power" || bottom.base.kind !== "number") return null;
  const [a, b] = [top.value, bottom.base.value];
  if (a.denominator !== 1n || b.denominator !== 1n || a.numerator <= 0n || a.numerator >= b.numerator)
    return null;
  const sign = whole.value.numerator < 0n ? -1n : 1n;
  const numerator = whole.value.numerator * b.numerator + sign * a.numerator;
  return numberOf(exactNumber(numerator, b.numerator));
}

/** The expression of a numeral. */
export function numeral(text: string): Expression {
  const value = parseExactNumber(text);
  if (value === null) throw new NotMathematics();
  const decimals = text.includes(".") ? text.length - text.indexOf(".") - 1 : null;
  return { kind: "number", value, decimals };
}
