import { add, exactNumber, multiply, negate, type ExactNumber } from "../exact-number.ts";
import type { Expression } from "./expression.ts";
import type { Algebra, Quotient } from "./normal-form.ts";
import { constantValue, leadingCoefficient, one, onlyTerm, TooLarge } from "./polynomial.ts";
import { primeFactors } from "./prime-factors.ts";

type Call = Extract<Expression, { kind: "call" }>;

/** The normal form of a function of scalars: worked out where it is exact, else an atom named by its arguments. */
export function functionForm(algebra: Algebra, call: Call): Quotient {
  if (bigOperators.has(call.name))
    return algebra.atom(`${call.name}(${call.inputs.map((input) => keyOf(algebra, input)).join(", ")})`);
  const inputs = call.inputs.map((input) => algebra.formOf(input));
  const [first] = inputs;
  if (first === undefined) throw new TooLarge();
  return (
    numericForm(algebra, call, inputs) ??
    trigonometricForm(algebra, call.name, first) ??
    logarithmForm(algebra, call.name, inputs) ??
    algebra.atom(`${call.name}(${inputs.map((input) => algebra.keyOf(input)).join(", ")})`)
  );
}

const bigOperators: ReadonlySet<string> = new Set(["sum", "prod", "int", "lim"]);

/** The bounds of a sum are relations: named side by side. */
function keyOf(algebra: Algebra, expression: Expression): string {
  if (expression.kind !== "relation") return algebra.keyOf(algebra.formOf(expression));
  return expression.sides.map((side) => keyOf(algebra, side)).join(expression.operators[0]);
}

/** Functions of whole or rational numbers. */
function numericForm(algebra: Algebra, { name }: Call, inputs: readonly Quotient[]): Quotient | null {
  if (name === "cbrt") return algebra.power(inputs[0]!, algebra.number(exactNumber(1n, 3n)));
  if (name === "exp") return algebra.power(algebra.atom("e"), inputs[0]!);
  const values = inputs.map(valueOf);
  const numbers = values.filter((value) => value !== null);
  if (numbers.length < values.length) return null;
  const [first, second] = numbers;
  if (first === undefined) return null;
  const whole = (value: bigint): Quotient => algebra.number(exactNumber(value));
  switch (name) {
    case "abs":
      return algebra.number(first.numerator < 0n ? negate(first) : first);
    case "floor":
      return whole(floorOf(first));
    case "ceil":
      return whole(-floorOf(negate(first)));
    case "factorial":
      return first.denominator === 1n && first.numerator >= 0n && first.numerator <= 300n
        ? whole(factorial(first.numerator))
        : null;
    case "binom":
      return second === undefined ? null : binomialForm(algebra, first, second);
    default:
      return null;
  }
}

function valueOf({ numerator, denominator }: Quotient): ExactNumber | null {
  return constantValue(denominator)?.numerator === 1n ? constantValue(numerator) : null;
}

function floorOf({ numerator, denominator }: ExactNumber): bigint {
  const quotient = numerator / denominator;
  return numerator < 0n && numerator % denominator !== 0n ? quotient - 1n : quotient;
}

function factorial(value: bigint): bigint {
  let product = 1n;
  for (let factor = 2n; factor <= value; factor++) product *= factor;
  return product;
}

function binomialForm(algebra: Algebra, n: ExactNumber, k: ExactNumber): Quotient | null {
  if (n.denominator !== 1n || k.denominator !== 1n || n.numerator > 1000n || n.numerator < 0n) return null;
  if (k.numerator < 0n || k.numerator > n.numerator) return algebra.number(exactNumber(0n));
  let value = 1n;
  for (let index = 1n; index <= k.numerator; index++) value = (value * (n.numerator - index + 1n)) / index;
  return algebra.number(exactNumber(value));
}

const quotients: Readonly<Record<string, readonly [top: string, bottom: string]>> = {
  tan: ["sin", "cos"],
  cot: ["cos", "sin"],
  sec: ["1", "cos"],
  csc: ["1", "sin"],
};

function trigonometricForm(algebra: Algebra, name: string, argument: Quotient): Quotient | null {
  const parts = quotients[name];
  if (parts !== undefined) {
    const [top, bottom] = parts.map((part) =>
      part === "1" ? algebra.number(one) : trigonometricForm(algebra, part, argument)!,
    );
    return algebra.quotient(top!, bottom!);
  }
  if (name !== "sin" && name !== "cos") return null;
  const turns = halfTurns(argument);
  const exact =
    turns === null ? null : exactSine(algebra, name === "sin" ? turns : add(turns, exactNumber(1n, 2n)));
  if (exact !== null) return exact;
  // Odd and even: the first coefficient of the argument is made positive.
  const isNegative = leadingCoefficient(argument.numerator).numerator < 0n;
  const positive = isNegative ? algebra.negative(argument) : argument;
  const value = algebra.atom(`${name}(${algebra.keyOf(positive)})`);
  return isNegative && name === "sin" ? algebra.negative(value) : value;
}

/** The argument in units of π; null when it is no rational multiple. */
function halfTurns({ numerator, denominator }: Quotient): ExactNumber | null {
  if (constantValue(denominator)?.numerator !== 1n) return null;
  if (numerator.size === 0) return exactNumber(0n);
  const term = onlyTerm(numerator);
  const isMultiple = term?.monomial.size === 1 && term.monomial.get("pi")?.numerator === 1n;
  return isMultiple && term.monomial.get("pi")?.denominator === 1n ? term.coefficient : null;
}

/** sin(turns · π) at multiples of π/12; null elsewhere. */
function exactSine(algebra: Algebra, turns: ExactNumber): Quotient | null {
  const twelfths = multiply(turns, exactNumber(12n));
  if (twelfths.denominator !== 1n) return null;
  const index = Number(((twelfths.numerator % 24n) + 24n) % 24n);
  const folded = index > 12 ? 24 - index : index;
  const angle = folded > 6 ? 12 - folded : folded;
  const root = (value: bigint): Quotient =>
    algebra.power(algebra.number(exactNumber(value)), algebra.number(exactNumber(1n, 2n)));
  const over = (form: Quotient, divisor: bigint): Quotient =>
    algebra.product(form, algebra.number(exactNumber(1n, divisor)));
  const values = [
    (): Quotient => algebra.number(exactNumber(0n)),
    (): Quotient => over(algebra.sum(root(6n), algebra.negative(root(2n))), 4n),
    (): Quotient => algebra.number(exactNumber(1n, 2n)),
    (): Quotient => over(root(2n), 2n),
    (): Quotient => over(root(3n), 2n),
    (): Quotient => over(algebra.sum(root(6n), root(2n)), 4n),
    (): Quotient => algebra.number(one),
  ];
  const value = values[angle]!();
  return index > 12 ? algebra.negative(value) : value;
}

/** ln of products of primes, and other logarithms as quotients of two. `log` without a base is that of 10. */
function logarithmForm(algebra: Algebra, name: string, inputs: readonly Quotient[]): Quotient | null {
  if (name !== "ln" && name !== "log" && name !== "lg") return null;
  const natural = naturalLogarithm(algebra, inputs[0]!);
  if (name === "ln") return natural;
  const base = inputs[1] ?? algebra.number(exactNumber(10n));
  return algebra.quotient(natural, naturalLogarithm(algebra, base));
}

function naturalLogarithm(algebra: Algebra, argument: Quotient): Quotient {
  const term = constantValue(argument.denominator)?.numerator === 1n ? onlyTerm(argument.numerator) : null;
  if (term === null || term.coefficient.numerator <= 0n)
    return algebra.atom(`ln(${algebra.keyOf(argument)})`);
  const parts: Quotient[] = [algebra.number(exactNumber(0n))];
  const push = (atom: string, exponent: ExactNumber): void => {
    const logarithm = atom === "e" ? algebra.number(one) : algebra.atom(`ln(${atom})`);
    parts.push(algebra.product(algebra.number(exponent), logarithm));
  };
  for (const [prime, power] of primeFactors(term.coefficient.numerator))
    push(`#${prime}`, exactNumber(BigInt(power)));
  for (const [prime, power] of primeFactors(term.coefficient.denominator))
    push(`#${prime}`, exactNumber(-BigInt(power)));
  for (const [atom, exponent] of term.monomial) push(atom, exponent);
  return parts.reduce((a, b) => algebra.sum(a, b));
}
