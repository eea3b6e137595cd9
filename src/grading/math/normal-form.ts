/**
 * @file The normal form of a scalar: a quotient of two polynomials (polynomial.ts), exact throughout.
 *
 * Rules: like terms and powers are collected; powers of rational numbers are split into primes; i² = -1; roots of equal polynomials are one
 * atom; the exponent of a power is split at its sums, so that 2·2^(s+5) and 2^(s+6) agree; the logarithm of a rational number is split into
 * those of primes; sine and cosine are exact at multiples of π/12 and odd or even elsewhere; sin² = 1 - cos². Positive reals are assumed
 * where a root or a logarithm would ask: √(x²) is x.
 */
/* oxlint-disable typescript/switch-exhaustiveness-check -- the other kinds are no scalars, and default says so */
import { add, divide, equals, exactNumber, multiply, negate, type ExactNumber } from "../exact-number.ts";
import type { Expression } from "./expression.ts";
import { functionForm } from "./function-form.ts";
import { primeFactors } from "./prime-factors.ts";
import {
  addPolynomials,
  atomPower,
  collect,
  constant,
  constantValue,
  leadingCoefficient,
  multiplyMonomials,
  one,
  onlyTerm,
  polynomialKey,
  powerOfMonomial,
  primitivePart,
  rawProduct,
  refuseLarge,
  scale,
  TooLarge,
  type Monomial,
  type Polynomial,
  type Term,
} from "./polynomial.ts";

/** `numerator / denominator`; a denominator of one term never stays, it goes into the numerator with negative exponents. */
export interface Quotient {
  readonly numerator: Polynomial;
  readonly denominator: Polynomial;
}

/** Works one answer out; the polynomials behind root atoms are known to this object alone. */
export class Algebra {
  /** What is under a root atom. */
  readonly #radicands = new Map<string, Polynomial>();
  /** Products left before the answer counts as too large. */
  #budget = 3000;

  /** The normal form of a scalar. @throws {TooLarge} also for what is no scalar. */
  formOf(expression: Expression): Quotient {
    switch (expression.kind) {
      case "number":
        refuseLarge(expression.value);
        return this.number(expression.value);
      case "symbol":
        return this.#symbol(expression.name);
      case "sum":
        return expression.terms.map((term) => this.formOf(term)).reduce((a, b) => this.sum(a, b));
      case "product":
        return expression.factors.map((factor) => this.formOf(factor)).reduce((a, b) => this.product(a, b));
      case "power":
        return this.power(this.formOf(expression.base), this.formOf(expression.exponent));
      case "percent":
        return this.product(this.formOf(expression.of), this.number(exactNumber(1n, 100n)));
      case "degree":
        return this.product(
          this.formOf(expression.of),
          this.product(this.number(exactNumber(1n, 180n)), this.#symbol("pi")),
        );
      case "ratio":
        return expression.items.map((item) => this.formOf(item)).reduce((a, b) => this.quotient(a, b));
      case "call":
        return functionForm(this, expression);
      default:
        throw new TooLarge();
    }
  }

  number(value: ExactNumber): Quotient {
    return { numerator: constant(value), denominator: constant(one) };
  }

  atom(name: string): Quotient {
    return { numerator: atomPower(name), denominator: constant(one) };
  }

  #symbol(name: string): Quotient {
    return this.atom(name);
  }

  sum(a: Quotient, b: Quotient): Quotient {
    if (polynomialKey(a.denominator) === polynomialKey(b.denominator)) {
      return this.#simplified(addPolynomials(a.numerator, b.numerator), a.denominator);
    }
    const left = this.#multiply(a.numerator, b.denominator);
    const right = this.#multiply(b.numerator, a.denominator);
    return this.quotient(this.sum(left, right), this.#multiply(a.denominator, b.denominator));
  }

  negative(a: Quotient): Quotient {
    return { ...a, numerator: scale(a.numerator, negate(one)) };
  }

  product(a: Quotient, b: Quotient): Quotient {
    const top = this.#multiply(a.numerator, b.numerator);
    if (isOne(a.denominator) && isOne(b.denominator)) return top;
    return this.quotient(top, this.#multiply(a.denominator, b.denominator));
  }

  quotient(a: Quotient, b: Quotient): Quotient {
    if (b.numerator.size === 0) throw new TooLarge();
    if (isOne(a.denominator) && isOne(b.denominator)) return this.#simplified(a.numerator, b.numerator);
    const top = this.#multiply(a.numerator, b.denominator);
    const bottom = this.#multiply(a.denominator, b.numerator);
    // Products of roots may bring denominators of their own.
    if (!isOne(top.denominator) || !isOne(bottom.denominator)) {
      const above = this.#multiply(top.numerator, bottom.denominator);
      const below = this.#multiply(bottom.numerator, top.denominator);
      return this.#simplified(above.numerator, below.numerator);
    }
    return this.#simplified(top.numerator, bottom.numerator);
  }

  isZero(form: Quotient): boolean {
    return form.numerator.size === 0;
  }

  /** A name that forms share only when they are written alike; for atoms. */
  keyOf({ numerator, denominator }: Quotient): string {
    return isOne(denominator)
      ? polynomialKey(numerator)
      : `(${polynomialKey(numerator)})/(${polynomialKey(denominator)})`;
  }

  #simplified(numerator: Polynomial, denominator: Polynomial): Quotient {
    const term = onlyTerm(denominator);
    if (term === null) {
      // One leading coefficient for all multiples of a denominator.
      const leading = divide(one, leadingCoefficient(denominator))!;
      return { numerator: scale(numerator, leading), denominator: scale(denominator, leading) };
    }
    const inverse: Term = {
      coefficient: divide(one, term.coefficient)!,
      monomial: powerOfMonomial(term.monomial, negate(one)),
    };
    if (term.monomial.size === 0)
      return { numerator: scale(numerator, inverse.coefficient), denominator: constant(one) };
    return this.#multiply(numerator, new Map([["inverse", inverse]]));
  }

  #multiply(a: Polynomial, b: Polynomial): Quotient {
    this.#budget -= Math.max(1, a.size * b.size);
    if (this.#budget < 0) throw new TooLarge();
    const clean: Term[] = [];
    let rest: Quotient | null = null;
    for (const term of rawProduct(a, b)) {
      const reduced = reduceTerm(term);
      const expanded = this.#expanded(reduced);
      if (expanded === null) clean.push(reduced);
      else rest = rest === null ? expanded : this.sum(rest, expanded);
    }
    const form = { numerator: collect(clean), denominator: constant(one) };
    return rest === null ? form : this.sum(form, rest);
  }

  /** A term in which a root or a sine came to a whole power; null when there is none. */
  #expanded({ coefficient, monomial }: Term): Quotient | null {
    for (const [atom, exponent] of monomial) {
      const square = this.#squareOf(atom, exponent);
      if (square === null) continue;
      const others = new Map([...monomial].filter(([name]) => name !== atom));
      const rest: Term = { coefficient, monomial: others };
      const remaining = square.remaining.numerator === 0n ? null : atomPower(atom, square.remaining);
      const form = this.#multiply(new Map([["rest", rest]]), remaining ?? constant(one));
      return square.power > 0
        ? this.product(form, this.integerPower(square.form, square.power))
        : this.quotient(form, this.integerPower(square.form, -square.power));
    }
    return null;
  }

  #squareOf(
    atom: string,
    exponent: ExactNumber,
  ): { form: Quotient; power: number; remaining: ExactNumber } | null {
    const radicand = this.#radicands.get(atom);
    if (radicand !== undefined) {
      const whole = floor(exponent);
      if (whole === 0n) return null;
      const form = { numerator: radicand, denominator: constant(one) };
      return { form, power: Number(whole), remaining: add(exponent, exactNumber(-whole)) };
    }
    if (!atom.startsWith("sin(") || exponent.denominator !== 1n || exponent.numerator < 2n) return null;
    const cosine = this.atom(atom.replace("sin(", "cos("));
    const form = this.sum(this.number(one), this.negative(this.product(cosine, cosine)));
    return { form, power: 1, remaining: add(exponent, exactNumber(-2n)) };
  }

  integerPower(base: Quotient, exponent: number): Quotient {
    if (exponent > 64) throw new TooLarge();
    let result = this.number(one);
    for (let count = 0; count < exponent; count++) result = this.product(result, base);
    return result;
  }

  power(base: Quotient, exponent: Quotient): Quotient {
    const constantExponent = isOne(exponent.denominator) ? constantValue(exponent.numerator) : null;
    if (constantExponent !== null) return this.#numericPower(base, constantExponent);
    if (!isOne(exponent.denominator)) return this.atom(`(${this.keyOf(base)})^(${this.keyOf(exponent)})`);
    // a^(2x + 3) = (a^x)^2 · a^3
    const factors = [...exponent.numerator.values()].map(({ coefficient, monomial }) => {
      if (monomial.size === 0) return this.#numericPower(base, coefficient);
      const key = polynomialKey(collect([{ coefficient: one, monomial }]));
      return this.#numericPower(this.#symbolicPower(base, key), coefficient);
    });
    return factors.reduce((a, b) => this.product(a, b));
  }

  /** base^name for a name that is no number, factor by factor. */
  #symbolicPower(base: Quotient, name: string): Quotient {
    const term = isOne(base.denominator) ? onlyTerm(base.numerator) : null;
    if (term === null || term.coefficient.numerator < 0n) return this.atom(`(${this.keyOf(base)})^(${name})`);
    const primes = [
      ...primeFactors(term.coefficient.numerator).map(
        ([prime, power]) => [`#${prime}`, BigInt(power)] as const,
      ),
      ...primeFactors(term.coefficient.denominator).map(
        ([prime, power]) => [`#${prime}`, -BigInt(power)] as const,
      ),
    ];
    const monomial = new Map<string, ExactNumber>();
    for (const [prime, power] of primes) monomial.set(`${prime}^(${name})`, exactNumber(power));
    for (const [atom, own] of term.monomial) monomial.set(`${atom}^(${name})`, own);
    return { numerator: collect([{ coefficient: one, monomial }]), denominator: constant(one) };
  }

  #numericPower(base: Quotient, exponent: ExactNumber): Quotient {
    if (exponent.numerator === 0n) return this.number(one);
    if (equals(exponent, one)) return base;
    if (exponent.numerator < 0n) {
      return this.quotient(this.number(one), this.#numericPower(base, negate(exponent)));
    }
    if (base.numerator.size === 0) return base;
    if (!isOne(base.denominator)) {
      const top = { numerator: base.numerator, denominator: constant(one) };
      const bottom = { numerator: base.denominator, denominator: constant(one) };
      return this.quotient(this.#numericPower(top, exponent), this.#numericPower(bottom, exponent));
    }
    const term = onlyTerm(base.numerator);
    if (term !== null) return this.#termPower(term, exponent);
    if (exponent.denominator === 1n && exponent.numerator <= 24n) {
      return this.integerPower(base, Number(exponent.numerator));
    }
    return this.#rootAtom(base.numerator, exponent);
  }

  #termPower({ coefficient, monomial }: Term, exponent: ExactNumber): Quotient {
    if (exponent.denominator === 1n) refuseHugePower(coefficient, exponent.numerator);
    const isNegative = coefficient.numerator < 0n;
    const size = isNegative ? negate(coefficient) : coefficient;
    const number = this.#positivePower(size, exponent);
    const letters = this.#multiply(
      collect([{ coefficient: one, monomial: powerOfMonomial(monomial, exponent) }]),
      constant(one),
    );
    const value = this.product(number, letters);
    return isNegative ? this.product(this.#powerOfMinusOne(exponent), value) : value;
  }

  #positivePower(value: ExactNumber, exponent: ExactNumber): Quotient {
    const monomial = new Map<string, ExactNumber>();
    for (const [prime, power] of primeFactors(value.numerator)) {
      monomial.set(`#${prime}`, multiply(exponent, exactNumber(BigInt(power))));
    }
    for (const [prime, power] of primeFactors(value.denominator)) {
      monomial.set(`#${prime}`, multiply(exponent, exactNumber(-BigInt(power))));
    }
    return this.#multiply(new Map([["", { coefficient: one, monomial }]]), constant(one));
  }

  /** Real where a real root exists: (-8)^(1/3) = -2; (-1)^(1/2) = i. */
  #powerOfMinusOne({ numerator, denominator }: ExactNumber): Quotient {
    if (denominator % 2n === 1n) return this.number(exactNumber(numerator % 2n === 0n ? 1n : -1n));
    if (denominator === 2n) return this.integerPower(this.atom("i"), Number(numerator % 4n));
    return this.atom(`(-1)^(${numerator}/${denominator})`);
  }

  #rootAtom(radicand: Polynomial, exponent: ExactNumber): Quotient {
    const { content, primitive } = primitivePart(radicand);
    const name = `√(${polynomialKey(primitive)})`;
    this.#radicands.set(name, primitive);
    const root = this.#multiply(
      new Map([["", { coefficient: one, monomial: new Map([[name, exponent]]) }]]),
      constant(one),
    );
    return this.product(this.#positivePower(content, exponent), root);
  }
}

function isOne(polynomial: Polynomial): boolean {
  const value = constantValue(polynomial);
  return value !== null && equals(value, one);
}

function floor({ numerator, denominator }: ExactNumber): bigint {
  const quotient = numerator / denominator;
  return numerator < 0n && numerator % denominator !== 0n ? quotient - 1n : quotient;
}

function refuseHugePower({ numerator, denominator }: ExactNumber, exponent: bigint): void {
  const bits = BigInt(Math.max(numerator.toString(2).length, denominator.toString(2).length) - 1);
  if (bits * exponent > 4000n || exponent > 100_000n) throw new TooLarge();
}

/** Brings exponents of primes into [0, 1) and those of i below 2. */
function reduceTerm({ coefficient, monomial }: Term): Term {
  let result = coefficient;
  let reduced: Monomial = monomial;
  for (const [atom, exponent] of monomial) {
    if (atom.startsWith("#") && !atom.includes("^")) {
      const whole = floor(exponent);
      if (whole === 0n) continue;
      const prime = exactNumber(BigInt(atom.slice(1)));
      refuseHugePower(prime, whole < 0n ? -whole : whole);
      const power = exactNumber(prime.numerator ** (whole < 0n ? -whole : whole));
      result = whole < 0n ? divide(result, power)! : multiply(result, power);
      reduced = multiplyMonomials(reduced, new Map([[atom, exactNumber(-whole)]]));
    } else if (atom === "i" && exponent.denominator === 1n) {
      const turns = ((exponent.numerator % 4n) + 4n) % 4n;
      if (turns >= 2n) result = negate(result);
      reduced = multiplyMonomials(reduced, new Map([[atom, exactNumber((turns % 2n) - exponent.numerator)]]));
    }
  }
  refuseLarge(result);
  return { coefficient: result, monomial: reduced };
}
