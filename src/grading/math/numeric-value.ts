/** @file Floating-point values of scalars, complex throughout: the last comparison, where algebra has no answer. */
/* oxlint-disable typescript/switch-exhaustiveness-check -- the other kinds are no scalars, and default says so */
import type { Expression } from "./expression.ts";

/** A complex number. */
export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** The value of each symbol. */
export type Assignment = (symbol: string) => number;

const real = (re: number): Complex => ({ re, im: 0 });
const undefinedValue: Complex = { re: Number.NaN, im: Number.NaN };

/** The value of a scalar where its symbols have these values; NaN where it has none. */
export function numericValue(expression: Expression, symbols: Assignment): Complex {
  const of = (inner: Expression): Complex => numericValue(inner, symbols);
  switch (expression.kind) {
    case "number":
      return real(ratio(expression.value));
    case "symbol":
      return symbolValue(expression.name, symbols);
    case "sum":
      return expression.terms.map(of).reduce(add);
    case "product":
      return expression.factors.map(of).reduce(multiply);
    case "ratio":
      return expression.items.map(of).reduce(divide);
    case "power":
      return power(of(expression.base), of(expression.exponent));
    case "percent":
      return multiply(of(expression.of), real(0.01));
    case "degree":
      return multiply(of(expression.of), real(Math.PI / 180));
    case "call":
      return functionValue(expression.name, expression.inputs.map(of));
    default:
      return undefinedValue;
  }
}

/** BigInts beyond the range of doubles must not become NaN when their quotient is small. */
function ratio({ numerator, denominator }: { numerator: bigint; denominator: bigint }): number {
  const plain = Number(numerator) / Number(denominator);
  return Number.isNaN(plain) ? Number(numerator / denominator) : plain;
}

function symbolValue(name: string, symbols: Assignment): Complex {
  if (name === "pi") return real(Math.PI);
  if (name === "e") return real(Math.E);
  if (name === "i") return { re: 0, im: 1 };
  return real(name === "infinity" ? Number.POSITIVE_INFINITY : symbols(name));
}

function add(a: Complex, b: Complex): Complex {
  return { re: a.re + b.re, im: a.im + b.im };
}

function multiply(a: Complex, b: Complex): Complex {
  if (a.im === 0 && b.im === 0) return real(a.re * b.re);
  return { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re };
}

function divide(a: Complex, b: Complex): Complex {
  if (a.im === 0 && b.im === 0) return real(a.re / b.re);
  const size = b.re * b.re + b.im * b.im;
  return { re: (a.re * b.re + a.im * b.im) / size, im: (a.im * b.re - a.re * b.im) / size };
}

function power(base: Complex, exponent: Complex): Complex {
  if (base.im === 0 && exponent.im === 0 && (base.re >= 0 || Number.isInteger(exponent.re))) {
    return real(base.re ** exponent.re);
  }
  // The real root of a negative number, as in the normal form.
  const thirds = 1 / exponent.re;
  if (
    base.im === 0 &&
    exponent.im === 0 &&
    Math.abs(Math.round(thirds) - thirds) < 1e-12 &&
    Math.round(thirds) % 2 !== 0
  ) {
    return real(-((-base.re) ** exponent.re));
  }
  return exponential(multiply(logarithm(base), exponent));
}

function exponential({ re, im }: Complex): Complex {
  const size = Math.exp(re);
  return { re: size * Math.cos(im), im: size * Math.sin(im) };
}

function logarithm({ re, im }: Complex): Complex {
  return { re: Math.log(Math.hypot(re, im)), im: Math.atan2(im, re) };
}

const realFunctions: Readonly<Record<string, (value: number) => number>> = {
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  cot: (value) => 1 / Math.tan(value),
  sec: (value) => 1 / Math.cos(value),
  csc: (value) => 1 / Math.sin(value),
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  coth: (value) => 1 / Math.tanh(value),
  arcsin: Math.asin,
  arccos: Math.acos,
  arctan: Math.atan,
  arccot: (value) => Math.PI / 2 - Math.atan(value),
  floor: Math.floor,
  ceil: Math.ceil,
  cbrt: Math.cbrt,
  factorial: (value) => (Number.isInteger(value) && value >= 0 ? gamma(value + 1) : Number.NaN),
};

function functionValue(name: string, inputs: readonly Complex[]): Complex {
  const [first, second] = inputs;
  if (first === undefined) return undefinedValue;
  if (name === "exp") return exponential(first);
  if (name === "abs") return real(Math.hypot(first.re, first.im));
  if (name === "ln") return logarithm(first);
  if (name === "log" || name === "lg") return divide(logarithm(first), logarithm(second ?? real(10)));
  if (name === "binom" && second !== undefined) return binomial(first, second);
  const onReals = realFunctions[name];
  return onReals === undefined || first.im !== 0 ? undefinedValue : real(onReals(first.re));
}

function binomial(n: Complex, k: Complex): Complex {
  if (n.im !== 0 || k.im !== 0 || !Number.isInteger(k.re) || k.re < 0 || k.re > 10_000) return undefinedValue;
  let value = 1;
  for (let index = 1; index <= k.re; index++) value = (value * (n.re - index + 1)) / index;
  return real(value);
}

function gamma(value: number): number {
  let product = 1;
  for (let factor = 2; factor < Math.min(value, 200); factor++) product *= factor;
  return value > 171 ? Number.POSITIVE_INFINITY : product;
}
