/** @file Exact rational numbers: answers and steps are compared by value, never by floating point. */

/** `numerator / denominator` in lowest terms, denominator positive. */
export interface ExactNumber {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Numerals longer than this are no numbers a solution means; parsing them would only cost time. */
const longestNumeral = 60;
const numeralPattern = /^([+-]?)(\d{1,3}(?:,\d{3})+|\d+)?(?:\.(\d*))?$/;

/** Reads a numeral (`-1,200.50`, `.5`, `7.`) or a fraction of two (`3/4`); null for anything else. */
export function parseExactNumber(text: string): ExactNumber | null {
  const trimmed = text.trim().replaceAll("−", "-");
  if (trimmed.length > longestNumeral) return null;
  const parts = trimmed.split("/");
  if (parts.length > 2) return null;
  const values = parts.map((part) => parseNumeral(part.trim()));
  const [numerator, denominator] = values;
  if (numerator === undefined || numerator === null) return null;
  if (denominator === undefined) return numerator;
  return denominator === null ? null : divide(numerator, denominator);
}

function parseNumeral(text: string): ExactNumber | null {
  const match = numeralPattern.exec(text);
  if (match === null) return null;
  const [, sign, whole = "", fraction = ""] = match;
  if (whole === "" && fraction === "") return null;
  const digits = BigInt(whole.replaceAll(",", "") + fraction);
  return exactNumber(sign === "-" ? -digits : digits, 10n ** BigInt(fraction.length));
}

/** Brings a fraction to lowest terms. The denominator must not be 0. */
export function exactNumber(numerator: bigint, denominator = 1n): ExactNumber {
  if (denominator === 1n) return { numerator, denominator };
  const divisor = greatestCommonDivisor(absolute(numerator), absolute(denominator));
  const sign = denominator < 0n ? -1n : 1n;
  return { numerator: (sign * numerator) / divisor, denominator: (sign * denominator) / divisor };
}

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 0n ? 1n : a;
}

/** a + b. */
export function add(a: ExactNumber, b: ExactNumber): ExactNumber {
  return exactNumber(
    a.numerator * b.denominator + b.numerator * a.denominator,
    a.denominator * b.denominator,
  );
}

/** a - b. */
export function subtract(a: ExactNumber, b: ExactNumber): ExactNumber {
  return add(a, negate(b));
}

/** -a. */
export function negate(a: ExactNumber): ExactNumber {
  return { numerator: -a.numerator, denominator: a.denominator };
}

/** a · b. */
export function multiply(a: ExactNumber, b: ExactNumber): ExactNumber {
  return exactNumber(a.numerator * b.numerator, a.denominator * b.denominator);
}

/** a / b, null when b is 0. */
export function divide(a: ExactNumber, b: ExactNumber): ExactNumber | null {
  if (b.numerator === 0n) return null;
  return exactNumber(a.numerator * b.denominator, a.denominator * b.numerator);
}

/** Whether two numbers in lowest terms have the same value. */
export function equals(a: ExactNumber, b: ExactNumber): boolean {
  return a.numerator === b.numerator && a.denominator === b.denominator;
}

/** `7`, `-3/4`. */
export function formatExactNumber({ numerator, denominator }: ExactNumber): string {
  return denominator === 1n ? `${numerator}` : `${numerator}/${denominator}`;
}
