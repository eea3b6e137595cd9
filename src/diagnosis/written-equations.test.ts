import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { writtenEquations } from "./written-equations.ts";

const found = (text: string): string[] =>
  writtenEquations(text).map(({ left, right, holds }) => `${left} = ${right}${holds ? "" : " (false)"}`);

describe("writtenEquations", () => {
  test.each([
    ["3 + 4 = 7", ["3 + 4 = 7"]],
    ["He has 3 + 4 = 8 apples.", ["3 + 4 = 8 (false)"]],
    ["2 books * 3 dollars/book = 6 dollars", ["2 * 3 = 6"]],
    ["= (-9 - 5 - 0) = (-9 - 5) = -13", ["( - 9 - 5 - 0) = ( - 9 - 5)", "( - 9 - 5) = - 13 (false)"]],
    [String.raw`\(\frac{1}{3} \times 18 = 6\)`, ["((1) / (3)) * 18 = 6"]],
    ["20% of 50 = 10", ["20% * 50 = 10"]],
    ["2/5 * 100 = 40%", ["2 / 5 * 100 = 40%"]],
    ["100/3 = 33.33", ["100 / 3 = 33.33"]],
    ["100/3 = 33.43", ["100 / 3 = 33.43 (false)"]],
    ["$1,200 - $200 = $1,000", ["1,200 - 200 = 1,000"]],
    ["2 + 3 x 4 = 14", ["2 + 3 * 4 = 14"]],
    ["25 pens into (25/5) = 5", []],
    ["x = 5, 2x = 10, 4 pears = 7", []],
    ["no equation", []],
  ])("%j", (text, equations) => expect(found(text)).toEqual(equations));

  test("a calculator mark is checked, and does not disturb the text around it", () =>
    expect(found("48/2 = <<48/2=23>>24")).toEqual(["48 / 2 = 24", "48 / 2 = 23 (false)"]));

  test("deep nesting and a division by 0 are no equations, not crashes", () => {
    expect(found(`${"(".repeat(5000)}1+1${")".repeat(5000)} = 2`)).toEqual([]);
    expect(found(`${"-".repeat(5000)}1+1 = 2`)).toEqual([]);
    expect(found("4 / 0 = 0")).toEqual([]);
  });

  test("property: sums hold exactly when the result is the sum", () => {
    const number = fc.integer({ min: 0, max: 999 });
    fc.assert(
      fc.property(number, number, number, (a, b, error) => {
        const [equation] = writtenEquations(`so ${a} apples + ${b} pears = ${a + b + error} fruits`);
        expect(equation?.holds).toBe(error === 0);
      }),
    );
  });
});
