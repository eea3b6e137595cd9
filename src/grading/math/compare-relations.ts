import type { ScalarComparator } from "./compare-scalars.ts";
import type { Comparator } from "./comparator.ts";
import type { Expression, RelationOperator } from "./expression.ts";
import { Algebra, type Quotient } from "./normal-form.ts";
import { leadingCoefficient, polynomialKey, primitivePart, scale, TooLarge } from "./polynomial.ts";

type Relation = Extract<Expression, { kind: "relation" }>;
type CompareScalars = (a: Expression, b: Expression) => ScalarComparator | null;

const flipped: Readonly<Partial<Record<RelationOperator, RelationOperator>>> = {
  "<": ">",
  ">": "<",
  "<=": ">=",
  ">=": "<=",
};

/** Equations that are multiples of each other, and inequalities likewise; chains side by side, in either direction. */
export function compareRelations(a: Expression, b: Expression, compare: CompareScalars): Comparator | null {
  if (a.kind !== "relation" || b.kind !== "relation") return null;
  if (a.operators.length !== b.operators.length) return null;
  if (sideBySide(a, b, compare) || sideBySide(a, reversed(b), compare)) return "relation";
  if (a.operators.length > 1) return null;
  return canonical(a) !== null && canonical(a) === canonical(b) ? "relation" : null;
}

function sideBySide(a: Relation, b: Relation, compare: CompareScalars): boolean {
  return (
    a.operators.every((operator, index) => operator === b.operators[index]) &&
    a.sides.every((side, index) => compare(side, b.sides[index]!) !== null)
  );
}

function reversed({ operators, sides }: Relation): Relation {
  const turned = operators.toReversed().map((operator) => flipped[operator] ?? operator);
  return { kind: "relation", operators: turned, sides: sides.toReversed() };
}

/** `left - right` over its leading coefficient, and the operator that goes with that; null where algebra gives up. */
function canonical({ operators: [operator], sides: [left, right] }: Relation): string | null {
  if (operator === "in" || operator === "~") return null;
  const algebra = new Algebra();
  let difference: Quotient;
  try {
    difference = algebra.sum(algebra.formOf(left!), algebra.negative(algebra.formOf(right!)));
  } catch (error) {
    if (error instanceof TooLarge) return null;
    throw error;
  }
  // An equation does not mind what both sides are divided by.
  const { numerator, denominator } = difference;
  if (operator !== "=" && operator !== "!=" && denominator.size > 1) return null;
  const isNegative = leadingCoefficient(numerator).numerator < 0n;
  const { primitive } = primitivePart(numerator);
  const positive = isNegative ? scale(primitive, { numerator: -1n, denominator: 1n }) : primitive;
  const direction = isNegative ? (flipped[operator!] ?? operator!) : operator!;
  return `${direction} ${polynomialKey(positive)}`;
}
