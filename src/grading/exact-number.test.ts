import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  divide,
  equals,
  exactNumber,
  formatExactNumber,
  multiply,
  parseExactNumber,
  subtract,
} from "./exact-number.ts";

const parsed = (text: string): string | null => {
  const value = parseExactNumber(text);
  return value === null ? null : formatExactNumber(value);
};

describe("parseExactNumber", () => {
  test.each([
    ["7", "7"],
    ["-7", "-7"],
    ["−7", "-7"],
    ["007", "7"],
    ["1,200.50", "2401/2"],
    [".5", "1/2"],
    ["7.", "7"],
    ["3/4", "3/4"],
    ["6 / 8", "3/4"],
    ["0.1", "1/10"],
    ["12345678901234567890", "12345678901234567890"],
  ])("reads %j as %s", (text, value) => expect(parsed(text)).toBe(value));

  test.each(["", ".", "-", "1,2", "1 2", "1/0", "1/2/3", "x", "1e5", "9".repeat(100)])("refuses %j", (text) =>
    expect(parsed(text)).toBeNull(),
  );
});

const numbers = fc
  .tuple(fc.bigInt({ min: -1000n, max: 1000n }), fc.bigInt({ min: 1n, max: 1000n }))
  .map(([numerator, denominator]) => exactNumber(numerator, denominator));

test("property: subtraction undoes addition and division undoes multiplication", () => {
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      expect(equals(subtract(add(a, b), b), a)).toBe(true);
      const quotient = divide(multiply(a, b), b);
      if (b.numerator === 0n) expect(quotient).toBeNull();
      else expect(quotient !== null && equals(quotient, a)).toBe(true);
    }),
  );
});

test("property: what is formatted is read back as the same value", () => {
  fc.assert(
    fc.property(numbers, (value) => {
      expect(parseExactNumber(formatExactNumber(value))).toEqual(value);
    }),
  );
});
