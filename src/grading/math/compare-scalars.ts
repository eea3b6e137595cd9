import { equals } from "../exact-number.ts";
import type { Expression } from "./expression.ts";
import { Algebra } from "./normal-form.ts";
import { numericValue } from "./numeric-value.ts";
import { constantValue, TooLarge } from "./polynomial.ts";

/** What decided that two scalars are equal; null for different ones. */
export type ScalarComparator = "number" | "algebra" | "rounded" | "numeric";

/**
 * Compares two scalars: as exact numbers, by exact algebra, as a decimal that the other rounds to, and last by their values at points.
 *
 * The last, `numeric`, is no proof: two expressions agreed to 9 digits at three points.
 */
export function compareScalars(a: Expression, b: Expression): ScalarComparator | null {
  if (a.kind === "number" && b.kind === "number" && equals(a.value, b.value)) return "number";
  const algebraic = byAlgebra(a, b);
  if (algebraic !== null) return algebraic ? "algebra" : roundedEquality(a, b);
  return byValue(a, b) ? "numeric" : roundedEquality(a, b);
}

/** Null where algebra cannot tell: an answer too large, or a function it has no rules for. */
function byAlgebra(a: Expression, b: Expression): boolean | null {
  const algebra = new Algebra();
  try {
    const difference = algebra.sum(algebra.formOf(a), algebra.negative(algebra.formOf(b)));
    if (algebra.isZero(difference)) return true;
    // Different numbers are different; anything with an atom may still be equal by a rule that is not known here.
    const isNumber =
      constantValue(difference.numerator) !== null && constantValue(difference.denominator) !== null;
    return isNumber ? false : null;
  } catch (error) {
    if (error instanceof TooLarge) return null;
    throw error;
  }
}

/** Points at which expressions are compared, in units that are no special values of anything. */
const points = [0.371_3, 1.209_7, 2.113_9];
const AGREEMENT = 1e-9;
const LARGEST_TELLING = 1e7;

function byValue(a: Expression, b: Expression): boolean {
  let finite = 0;
  for (const [index, point] of points.entries()) {
    const symbols = (name: string): number => point + 0.618 * hash(name, index);
    const [left, right] = [numericValue(a, symbols), numericValue(b, symbols)];
    const size = Math.max(Math.hypot(left.re, left.im), Math.hypot(right.re, right.im));
    const distance = Math.hypot(left.re - right.re, left.im - right.im);
    if (!Number.isFinite(size)) continue;
    // What is very large hides a difference of 1, and two values that underflow say nothing.
    if (size !== 0 && (size > LARGEST_TELLING || size < 1 / LARGEST_TELLING)) continue;
    finite++;
    if (!(distance <= AGREEMENT * size)) return false;
  }
  return finite >= 2;
}

/** A fraction of 1 that depends on the name alone. */
function hash(name: string, index: number): number {
  let value = index + 1;
  for (const character of name) value = (value * 31 + character.codePointAt(0)!) % 9973;
  return value / 9973;
}

/** Digits below which a decimal says too little to stand for an exact value. */
const FEWEST_DECIMALS = 2;
const FEWEST_SIGNIFICANT = 2;

/** A decimal stands for an exact value that rounds to it: 0.33 for 1/3, 2.6667 for 8/3, 1.414 for √2. */
function roundedEquality(a: Expression, b: Expression): "rounded" | null {
  const decimal = decimalOf(a) ?? decimalOf(b);
  const other = decimalOf(a) === null ? a : b;
  if (decimal === null || decimalOf(other) !== null || other.kind === "number") return null;
  const { decimals, value } = decimal;
  const significant = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value))) + 1 + decimals;
  if (decimals < FEWEST_DECIMALS || significant < FEWEST_SIGNIFICANT) return null;
  const exact = numericValue(other, () => Number.NaN);
  if (Number.isNaN(exact.re) || exact.im !== 0) return null;
  const half = 0.5 * 10 ** -decimals;
  return Math.abs(exact.re - value) <= half * (1 + 1e-9) ? "rounded" : null;
}

function decimalOf(expression: Expression): { decimals: number; value: number } | null {
  if (expression.kind === "product" && expression.factors.length === 2) {
    const [sign, size] = expression.factors;
    if (sign?.kind !== "number" || sign.value.numerator !== -1n || sign.value.denominator !== 1n) return null;
    const inner = decimalOf(size!);
    return inner === null ? null : { ...inner, value: -inner.value };
  }
  if (expression.kind !== "number" || expression.decimals === null) return null;
  return {
    decimals: expression.decimals,
    value: Number(expression.value.numerator) / Number(expression.value.denominator),
  };
}
