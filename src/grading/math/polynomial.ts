/**
 * @file Polynomials with rational coefficients over named atoms, where an exponent may be any rational number.
 *
 * Atoms are symbols (`x`), primes (`#2`, whose exponents stay in [0, 1): √12 is 2·#2^0·#3^½), the imaginary unit `i`, and whatever else is
 * irreducible here, named by its own normal form (`sin(2·x)`). Two polynomials that were made by the rules of `normal-form.ts` are equal
 * when their difference has no terms.
 */
import {
  add,
  divide,
  equals,
  exactNumber,
  formatExactNumber,
  multiply,
  negate,
  type ExactNumber,
} from "../exact-number.ts";

/** Exponents by atom; never 0. */
export type Monomial = ReadonlyMap<string, ExactNumber>;

/** One term. */
export interface Term {
  readonly coefficient: ExactNumber;
  readonly monomial: Monomial;
}

/** Terms by the key of their monomial; no coefficient is 0. */
export type Polynomial = ReadonlyMap<string, Term>;

/** Thrown when an answer is too large to be worked out; it is then compared in other ways. */
export class TooLarge extends Error {}

export const one: ExactNumber = exactNumber(1n);
const zero: ExactNumber = exactNumber(0n);

/** Coefficients beyond this many bits are nobody's answer. */
const LARGEST_BITS = 4000;
const MOST_TERMS = 400;

/** The name of a monomial, equal for equal ones. */
function monomialKey(monomial: Monomial): string {
  return [...monomial]
    .map(([atom, exponent]) => (equals(exponent, one) ? atom : `${atom}^${formatExactNumber(exponent)}`))
    .toSorted()
    .join("·");
}

export function constant(value: ExactNumber): Polynomial {
  return value.numerator === 0n ? new Map() : new Map([["", { coefficient: value, monomial: new Map() }]]);
}

export function atomPower(atom: string, exponent: ExactNumber = one): Polynomial {
  const monomial: Monomial = new Map([[atom, exponent]]);
  return new Map([[monomialKey(monomial), { coefficient: one, monomial }]]);
}

/** The sum of any terms, equal monomials collected. */
export function collect(terms: Iterable<Term>): Polynomial {
  const collected = new Map<string, Term>();
  for (const term of terms) {
    const key = monomialKey(term.monomial);
    const before = collected.get(key)?.coefficient ?? zero;
    const coefficient = add(before, term.coefficient);
    refuseLarge(coefficient);
    if (coefficient.numerator === 0n) collected.delete(key);
    else collected.set(key, { coefficient, monomial: term.monomial });
  }
  if (collected.size > MOST_TERMS) throw new TooLarge();
  return collected;
}

export function addPolynomials(a: Polynomial, b: Polynomial): Polynomial {
  return collect([...a.values(), ...b.values()]);
}

export function scale(polynomial: Polynomial, factor: ExactNumber): Polynomial {
  return collect(
    [...polynomial.values()].map(({ coefficient, monomial }) => ({
      coefficient: multiply(coefficient, factor),
      monomial,
    })),
  );
}

/** Products of every term with every term, as they come: their monomials may still reduce. */
export function rawProduct(a: Polynomial, b: Polynomial): Term[] {
  if (a.size * b.size > MOST_TERMS * 4) throw new TooLarge();
  const terms: Term[] = [];
  for (const left of a.values()) {
    for (const right of b.values()) {
      const coefficient = multiply(left.coefficient, right.coefficient);
      refuseLarge(coefficient);
      terms.push({ coefficient, monomial: multiplyMonomials(left.monomial, right.monomial) });
    }
  }
  return terms;
}

export function multiplyMonomials(a: Monomial, b: Monomial): Monomial {
  const product = new Map(a);
  for (const [atom, exponent] of b) {
    const sum = add(product.get(atom) ?? zero, exponent);
    if (sum.numerator === 0n) product.delete(atom);
    else product.set(atom, sum);
  }
  return product;
}

export function powerOfMonomial(monomial: Monomial, exponent: ExactNumber): Monomial {
  return new Map([...monomial].map(([atom, own]) => [atom, multiply(own, exponent)]));
}

/** The value of a polynomial without atoms; null with. */
export function constantValue(polynomial: Polynomial): ExactNumber | null {
  if (polynomial.size === 0) return zero;
  const only = polynomial.get("");
  return polynomial.size === 1 && only !== undefined ? only.coefficient : null;
}

/** The one term of a polynomial; null when there are none or several. */
export function onlyTerm(polynomial: Polynomial): Term | null {
  const [term] = polynomial.values();
  return polynomial.size === 1 && term !== undefined ? term : null;
}

/** The coefficient of the term that comes first by name; 0 for the zero polynomial. */
export function leadingCoefficient(polynomial: Polynomial): ExactNumber {
  const key = [...polynomial.keys()].toSorted().at(-1);
  return key === undefined ? zero : polynomial.get(key)!.coefficient;
}

/** A name that equal polynomials share. */
export function polynomialKey(polynomial: Polynomial): string {
  const terms = [...polynomial].map(([key, { coefficient }]) => {
    const number = formatExactNumber(coefficient);
    if (key === "") return number;
    return equals(coefficient, one) ? key : `${number}·${key}`;
  });
  return terms.length === 0 ? "0" : terms.toSorted().join(" + ");
}

/** `polynomial` = content · primitive, the first coefficient of the primitive part 1 in size. */
export function primitivePart(polynomial: Polynomial): { content: ExactNumber; primitive: Polynomial } {
  const leading = leadingCoefficient(polynomial);
  if (leading.numerator === 0n) return { content: one, primitive: polynomial };
  const content = leading.numerator < 0n ? negate(leading) : leading;
  return { content, primitive: scale(polynomial, divide(one, content)!) };
}

export function refuseLarge({ numerator, denominator }: ExactNumber): void {
  const limit = 2n ** BigInt(LARGEST_BITS);
  if (numerator > limit || numerator < -limit || denominator > limit) throw new TooLarge();
}
