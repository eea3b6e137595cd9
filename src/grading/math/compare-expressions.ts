/**
 * @file Whether two answers are the same: shapes first (lists, sets, intervals, relations, matrices), scalars inside them by
 * `compare-scalars.ts`.
 */
/* oxlint-disable typescript/switch-exhaustiveness-check -- only some kinds are collections, and default says so */
import { exactNumber } from "../exact-number.ts";
import { compareScalars } from "./compare-scalars.ts";
import { numberOf, type Expression } from "./expression.ts";
import { compareRelations } from "./compare-relations.ts";
import { asIntervals, namedValue } from "./answer-shapes.ts";
import { weakest, type Comparator } from "./comparator.ts";

/** Longer lists are compared in their own order only: matching them in any order would take squared time. */
const LONGEST_UNORDERED = 60;

/** What decided that two answers are the same; null when they are not. */
export function compareExpressions(a: Expression, b: Expression): Comparator | null {
  return compareShapes(withoutRounding(a), withoutRounding(b));
}

function compareShapes(a: Expression, b: Expression): Comparator | null {
  return (
    compareAlternatives(a, b) ??
    compareMarked(a, b) ??
    compareNamed(a, b) ??
    compareCollections(a, b) ??
    compareIntervals(a, b) ??
    compareMatrices(a, b) ??
    compareRelations(a, b, compareScalars) ??
    compareRatios(a, b) ??
    compareTexts(a, b) ??
    (isScalar(a) && isScalar(b) ? compareScalars(a, b) : null)
  );
}

const scalarKinds: ReadonlySet<Expression["kind"]> = new Set([
  "number",
  "symbol",
  "sum",
  "product",
  "power",
  "call",
  "percent",
  "degree",
]);

function isScalar(expression: Expression): boolean {
  return scalarKinds.has(expression.kind);
}

/** `x = 5 ≈ 5.01`: the value before "about" is the exact one. */
function withoutRounding(expression: Expression): Expression {
  if (expression.kind !== "relation") return expression;
  const index = expression.operators.indexOf("~");
  if (index === -1) return expression;
  const sides = expression.sides.slice(0, index + 1);
  if (sides.length === 1 && sides[0]!.kind !== "symbol") return sides[0]!;
  // `x ≈ 5.01` names a value.
  if (sides.length === 1)
    return { ...expression, operators: ["="], sides: [sides[0]!, expression.sides[1]!] };
  return { ...expression, operators: expression.operators.slice(0, index), sides };
}

/** `a ± b` is two answers. */
function compareAlternatives(a: Expression, b: Expression): Comparator | null {
  if (a.kind !== "plus-minus" && b.kind !== "plus-minus") return null;
  if (a.kind === "plus-minus" && b.kind === "plus-minus") {
    const center = compareShapes(a.center, b.center);
    const offset =
      center === null
        ? null
        : (compareShapes(a.offset, b.offset) ?? compareShapes(a.offset, negative(b.offset)));
    if (center !== null && offset !== null) return weakest([center, offset]);
  }
  return compareCollections(expanded(a), expanded(b));
}

function expanded(expression: Expression): Expression {
  if (expression.kind !== "plus-minus") return expression;
  const { center, offset } = expression;
  return {
    kind: "list",
    items: [
      { kind: "sum", terms: [center, offset] },
      { kind: "sum", terms: [center, negative(offset)] },
    ],
  };
}

function negative(expression: Expression): Expression {
  return { kind: "product", factors: [numberOf(exactNumber(-1n)), expression] };
}

/** A percent sign and a degree sign may be left out: 28 % is 28, and 0.28. */
function compareMarked(a: Expression, b: Expression): Comparator | null {
  for (const kind of ["percent", "degree"] as const) {
    if (a.kind !== kind && b.kind !== kind) continue;
    if (a.kind === kind && b.kind === kind) return compareShapes(a.of, b.of);
    const [marked, plain] = a.kind === kind ? [a, b] : b.kind === kind ? [b, a] : [null, null];
    if (marked === null || !isScalar(plain)) continue;
    const found = compareShapes(marked.of, plain);
    if (found !== null) return weakest([found, kind]);
    const inUnits = compareScalars(marked, plain);
    return inUnits === null ? null : weakest([inUnits, kind]);
  }
  return compareInBase(a, b);
}

/** A numeral with its base, and the same digits without: the question said the base. */
function compareInBase(a: Expression, b: Expression): Comparator | null {
  const [left, right] = [digitsInBase(a), digitsInBase(b)];
  if ((left === null) === (right === null)) return null;
  return compareScalars(left ?? a, right ?? b) === null ? null : "base";
}

function digitsInBase(side: Expression): Expression | null {
  return side.kind === "call" && side.name === "in-base" ? side.inputs[0]! : null;
}

/** `x = 5` and `5`; `x ∈ S` and `S`; `f(x) = 1` and `1`. */
function compareNamed(a: Expression, b: Expression): Comparator | null {
  const [left, right] = [namedValue(a), namedValue(b)];
  if (left === null && right === null) return null;
  const found = compareShapes(left ?? a, right ?? b);
  return found === null ? null : weakest([found, "named value"]);
}

type Collection = Extract<Expression, { kind: "list" | "tuple" | "set" }>;

function asCollection(expression: Expression): Collection | null {
  switch (expression.kind) {
    case "list":
    case "tuple":
    case "set":
      return expression;
    case "matrix": {
      const isVector = expression.rows.length === 1 || expression.rows.every((row) => row.length === 1);
      return isVector ? { kind: "tuple", items: expression.rows.flat() } : null;
    }
    default:
      return null;
  }
}

function compareCollections(a: Expression, b: Expression): Comparator | null {
  const [left, right] = [asCollection(a), asCollection(b)];
  if (left === null && right === null) return null;
  // {5} and 5; one solution of a list of one.
  if (left === null || right === null) return compareSingle(left ?? right!, left === null ? a : b);
  if (left.items.length !== right.items.length) return compareUnequal(left, right);
  const inOrder = compareItems(left.items, right.items);
  if (inOrder !== null) return inOrder;
  if (left.kind === "tuple" || right.kind === "tuple") return null;
  return left.items.length > LONGEST_UNORDERED ? null : compareUnordered(left.items, right.items);
}

function compareSingle({ kind, items }: Collection, single: Expression): Comparator | null {
  const [item] = items;
  if (kind === "tuple" || item === undefined || items.length !== 1) return null;
  const found = compareShapes(item, single);
  return found === null ? null : weakest([found, "set"]);
}

/** A set has each of its elements once, however often it is written. */
function compareUnequal(a: Collection, b: Collection): Comparator | null {
  if (a.kind === "tuple" || b.kind === "tuple" || a.items.length + b.items.length > LONGEST_UNORDERED)
    return null;
  const [left, right] = [distinct(a.items), distinct(b.items)];
  return left.length === right.length ? compareUnordered(left, right) : null;
}

function distinct(items: readonly Expression[]): Expression[] {
  const kept: Expression[] = [];
  for (const item of items) if (kept.every((other) => compareShapes(item, other) === null)) kept.push(item);
  return kept;
}

/** Items in order; names of values are dropped as in {@link compareNamed}. */
function compareItems(a: readonly Expression[], b: readonly Expression[]): Comparator | null {
  const found: Comparator[] = [];
  for (const [index, item] of a.entries()) {
    const same = compareShapes(item, b[index]!);
    if (same === null) return null;
    found.push(same);
  }
  return found.length === 0 ? "set" : weakest(found);
}

function compareUnordered(a: readonly Expression[], b: readonly Expression[]): Comparator | null {
  const rest = [...b];
  const found: Comparator[] = ["set"];
  for (const item of a) {
    let index = -1;
    for (const [candidate, other] of rest.entries()) {
      const same = compareShapes(item, other);
      if (same === null) continue;
      index = candidate;
      found.push(same);
      break;
    }
    if (index === -1) return null;
    rest.splice(index, 1);
  }
  return weakest(found);
}

function compareIntervals(a: Expression, b: Expression): Comparator | null {
  const [left, right] = [asIntervals(a), asIntervals(b)];
  if (left === null || right === null || left.length !== right.length) return null;
  const found: Comparator[] = ["interval"];
  const rest = [...right];
  for (const piece of left) {
    const index = rest.findIndex((other) => {
      if (piece.lowClosed !== other.lowClosed || piece.highClosed !== other.highClosed) return false;
      const ends = [compareShapes(piece.low, other.low), compareShapes(piece.high, other.high)];
      const [low, high] = ends;
      if (low === undefined || low === null || high === undefined || high === null) return false;
      found.push(low, high);
      return true;
    });
    if (index === -1) return null;
    rest.splice(index, 1);
  }
  return weakest(found);
}

function compareMatrices(a: Expression, b: Expression): Comparator | null {
  if (a.kind !== "matrix" || b.kind !== "matrix") return null;
  const sameShape =
    a.rows.length === b.rows.length && a.rows.every((row, index) => row.length === b.rows[index]!.length);
  const entries = sameShape ? compareItems(a.rows.flat(), b.rows.flat()) : null;
  return entries === null ? null : weakest([entries, "matrix"]);
}

/** 7:32 is 14:64. */
function compareRatios(a: Expression, b: Expression): Comparator | null {
  if (a.kind !== "ratio" && b.kind !== "ratio") return null;
  if (a.kind === "ratio" && b.kind === "ratio") {
    if (a.items.length !== b.items.length) return null;
    if (a.items.length > 2) return compareItems(a.items, b.items);
  }
  return compareScalars(a, b) === null ? null : "ratio";
}

/** A unit, a name or a word, whatever its case. */
function compareTexts(a: Expression, b: Expression): Comparator | null {
  const [left, right] = [wordOf(a), wordOf(b)];
  if (left === null || right === null || (a.kind !== "text" && b.kind !== "text")) return null;
  return left === right ? "text" : null;
}

function wordOf(expression: Expression): string | null {
  if (expression.kind === "text") return expression.text.toLowerCase().replaceAll(/[\s().$]/gu, "");
  return expression.kind === "symbol" ? expression.name.toLowerCase() : null;
}
