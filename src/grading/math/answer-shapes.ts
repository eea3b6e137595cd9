/* oxlint-disable typescript/switch-exhaustiveness-check -- only some kinds have the shape, and default says so */
import type { Expression, RelationOperator } from "./expression.ts";

/** A connected piece of the real line. */
export interface Piece {
  readonly low: Expression;
  readonly high: Expression;
  readonly lowClosed: boolean;
  readonly highClosed: boolean;
}

const infinity: Expression = { kind: "symbol", name: "infinity" };
const minusInfinity: Expression = {
  kind: "product",
  factors: [{ kind: "number", value: { numerator: -1n, denominator: 1n }, decimals: null }, infinity],
};

/** The pieces of an interval, a union of some, or an inequality for one named quantity; null for anything else. */
export function asIntervals(expression: Expression): readonly Piece[] | null {
  switch (expression.kind) {
    case "interval":
      return [expression];
    case "tuple": {
      const [low, high] = expression.items;
      if (low === undefined || high === undefined || expression.items.length !== 2) return null;
      return [{ low, high, lowClosed: false, highClosed: false }];
    }
    case "set":
      return expression.items.map((item) => ({ low: item, high: item, lowClosed: true, highClosed: true }));
    case "operation": {
      if (expression.name !== "union") return null;
      const pieces = expression.items.map(asIntervals);
      return pieces.includes(null) ? null : pieces.flatMap((piece) => piece ?? []);
    }
    case "list": {
      // x < 1 or x > 2
      if (!expression.items.every(({ kind }) => kind === "relation")) return null;
      const pieces = expression.items.map(asIntervals);
      return pieces.includes(null) ? null : pieces.flatMap((piece) => piece ?? []);
    }
    case "relation":
      return ofInequality(expression);
    default:
      return null;
  }
}

function ofInequality({
  sides,
  operators,
}: Extract<Expression, { kind: "relation" }>): readonly Piece[] | null {
  if (operators.length === 1 && operators[0] === "!=") return withoutPoint(sides);
  const upwards = operators.map((operator) => operator === "<" || operator === "<=");
  const downwards = operators.map((operator) => operator === ">" || operator === ">=");
  const isChain = upwards.every(Boolean) || downwards.every(Boolean);
  if (!isChain) return null;
  const ordered = upwards[0] === true ? sides : sides.toReversed();
  const closed = (upwards[0] === true ? operators : operators.toReversed()).map(isClosed);
  const [first, second, third] = ordered;
  if (first === undefined || second === undefined) return null;
  if (third !== undefined) {
    if (ordered.length > 3 || !isQuantity(second)) return null;
    return [{ low: first, high: third, lowClosed: closed[0]!, highClosed: closed[1]! }];
  }
  if (isQuantity(first) && !isQuantity(second)) {
    return [{ low: minusInfinity, high: second, lowClosed: false, highClosed: closed[0]! }];
  }
  if (isQuantity(second) && !isQuantity(first)) {
    return [{ low: first, high: infinity, lowClosed: closed[0]!, highClosed: false }];
  }
  return null;
}

/** x ≠ 3 is all but one point. */
function withoutPoint([first, second]: readonly Expression[]): readonly Piece[] | null {
  if (first === undefined || second === undefined || isQuantity(first) === isQuantity(second)) return null;
  const point = isQuantity(first) ? second : first;
  const open = { lowClosed: false, highClosed: false };
  return [
    { low: minusInfinity, high: point, ...open },
    { low: point, high: infinity, ...open },
  ];
}

function isClosed(operator: RelationOperator): boolean {
  return operator === "<=" || operator === ">=";
}

/** What a relation says a named quantity is: the last side of `x = 5 + 5 = 10`, the set of `x ∈ S`; null for other relations. */
export function namedValue(expression: Expression): Expression | null {
  if (expression.kind !== "relation") return null;
  const { sides, operators } = expression;
  const last = sides.at(-1)!;
  if (operators.length === 1 && operators[0] === "in") return last;
  if (!operators.every((operator) => operator === "=")) return null;
  // 2 + 3 = 5: what was worked out.
  if (sides.every(isNumeric)) return last;
  if (isQuantity(sides[0]!)) return isQuantity(last) && !isName(sides[0]!) ? null : last;
  // 5 = x
  return sides.length === 2 && isName(last) && !isQuantity(sides[0]!) ? sides[0]! : null;
}

const constants: ReadonlySet<string> = new Set(["pi", "e", "i", "infinity"]);

/** A single letter, or a function of one. */
function isName(expression: Expression): boolean {
  if (expression.kind === "symbol") return !constants.has(expression.name);
  return expression.kind === "call" && /^[fgh]'*$/u.test(expression.name);
}

/** What can only be a name of something asked for: letters, their products and quotients, points of them. No number, no sum. */
function isQuantity(expression: Expression): boolean {
  switch (expression.kind) {
    case "symbol":
      return isName(expression);
    case "text":
      return true;
    case "call":
      return isName(expression);
    case "product":
      return expression.factors.every(isQuantity);
    case "power":
      return isQuantity(expression.base) && isMinusOne(expression.exponent);
    case "tuple":
    case "ratio":
    case "list":
      return expression.items.every(isQuantity);
    default:
      return false;
  }
}

function isMinusOne(expression: Expression): boolean {
  return (
    expression.kind === "number" && expression.value.numerator === -1n && expression.value.denominator === 1n
  );
}

/** Free of letters. */
function isNumeric(expression: Expression): boolean {
  switch (expression.kind) {
    case "number":
      return true;
    case "symbol":
      return constants.has(expression.name);
    case "sum":
      return expression.terms.every(isNumeric);
    case "product":
      return expression.factors.every(isNumeric);
    case "power":
      return isNumeric(expression.base) && isNumeric(expression.exponent);
    case "call":
      return expression.inputs.every(isNumeric);
    case "percent":
    case "degree":
      return isNumeric(expression.of);
    default:
      return false;
  }
}
