import { assert, constantFrom, integer, property, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { gradeAnswer } from "./grade-answer.ts";

/** Pairs that mean the same, by what they test. */
const same: readonly (readonly [what: string, gold: string, answer: string])[] = [
  ["fraction and decimal", String.raw`\frac{1}{2}`, "0.5"],
  ["mixed number", String.raw`2\frac{3}{4}`, "2.75"],
  ["plain mixed number", "1 1/2", "3/2"],
  ["percent and fraction", "0.25", String.raw`25\%`],
  ["percent left out", String.raw`28\%`, "28"],
  ["thousands", "1,000,000", "10^6"],
  ["decimal comma", "2.74", "2,74"],
  ["scientific notation", "1e-3", String.raw`1\times10^{-3}`],
  ["unit left out", "5 cm", "5"],
  ["square unit", "5 cm^2", String.raw`5\text{ cm}^2`],
  ["currency", String.raw`\$5.00`, "5"],
  ["radicals", String.raw`3\sqrt{2}`, String.raw`\sqrt{18}`],
  ["rationalised", String.raw`\frac{\sqrt2}{2}`, String.raw`\frac{1}{\sqrt{2}}`],
  ["nested radicals by value", String.raw`\sqrt{3+2\sqrt2}`, String.raw`1+\sqrt2`],
  ["factored polynomial", "x^2-1", "(x-1)(x+1)"],
  ["quotient of polynomials", String.raw`\frac{x^2-1}{x-1}`, "x+1"],
  ["powers of sums", String.raw`2\cdot 2^{s+5}`, "2^{s+6}"],
  ["trigonometric identity", String.raw`\tan^2(y)+1`, String.raw`\sec^2(y)`],
  ["exact sine", String.raw`\sin 75^\circ`, String.raw`\frac{\sqrt6+\sqrt2}{4}`],
  ["logarithms", String.raw`\log_2 8`, "3"],
  ["complex numbers", String.raw`\frac{3+i\sqrt3}{2}`, String.raw`\frac32+\frac{\sqrt3}{2}i`],
  ["multiple of an equation", "x^2/4 + y^2/3 = 1", "x^2/16 + y^2/12 = 1/4"],
  ["turned inequality", String.raw`x \leq 5`, String.raw`5 \geq x`],
  ["interval and inequality", String.raw`(-\infty, 3]`, String.raw`x \le 3`],
  ["union and alternatives", String.raw`(-\infty,-1)\cup(1,\infty)`, String.raw`x<-1 \text{ or } x>1`],
  ["chain and interval", "0<f(x)<1", "(0,1)"],
  ["set in another order", String.raw`\{1,2,3\}`, "3, 2, 1"],
  ["plus or minus", String.raw`\pm\sqrt{3}`, String.raw`\sqrt{3},-\sqrt{3}`],
  ["named value", "x = 5+5+1 = 11", "11"],
  ["named point", "(p,q)=(3,2)", "(3,2)"],
  ["vector", String.raw`\begin{pmatrix}1\\2\end{pmatrix}`, "(1,2)"],
  [
    "matrix",
    String.raw`\begin{pmatrix}1&2\\3&4\end{pmatrix}`,
    String.raw`\left[\begin{array}{cc}1&2\\3&\frac82\end{array}\right]`,
  ],
  ["numeral with its base", "4210_5", "4210_{5}"],
  ["base left out", "1101_2", "1101"],
  ["ratio", "3:4", "6:8"],
  ["words", String.raw`\text{Saturday}`, "saturday"],
  ["option", "C", String.raw`$\boxed{\text{(C)}}.$`],
  ["option first", "D", "D. it can't be A or B"],
  ["rounded decimal", "8/3", "2.6667"],
  ["what graders glued together", String.raw`\omega i`, String.raw`i\omegai/i`],
  ["boxes joined", "6 and 8", String.raw`\boxed{6} and \boxed{8}`],
  ["sentence", "34", "Final Answer: The largest $n$ is 34."],
  ["gsm8k", "18", "She makes 9 * 2 = 18 dollars.\n#### 18"],
  ["thinking", "4", "<think>is it 5?</think> The answer is 4."],
];

/** Pairs that look alike and are different. */
const different: readonly (readonly [what: string, gold: string, answer: string])[] = [
  ["closed and open", "[1,2]", "(1,2)"],
  ["order of a point", "(1,2)", "(2,1)"],
  ["part of an answer", "1,2,3", "1,2"],
  ["one of two signs", String.raw`\pm 2021`, "2021"],
  ["another unit", "5 cm", "5 m"],
  ["another base", "4210_5", "4210_6"],
  ["value instead of the numeral", "1101_2", "13"],
  ["too coarse", "1/3", "0.3"],
  ["not rounded to it", "5", "5.001"],
  ["close and no equal", "22/7", String.raw`\pi`],
  ["sign of infinity", String.raw`-\infty`, String.raw`\infty`],
  ["side of an equation", "2x + z = 1", "1"],
  ["another function", "f(x)", "f(y)"],
  ["times", "12:00", "1:00"],
  ["a digit in a word", "2", "AZYUK2A"],
  ["another word", "odd", String.raw`\text{oddd}`],
  ["another option", "(A) Cecile", "C"],
];

describe("gradeAnswer", () => {
  it.each(same)("takes for the same: %s", (_, gold, answer) => {
    expect(gradeAnswer({ gold, answer })).toMatchObject({
      verdict: "correct",
      comparator: expect.any(String),
    });
  });

  it.each(different)("holds apart: %s", (_, gold, answer) => {
    expect(gradeAnswer({ gold, answer })).toMatchObject({ verdict: "incorrect", comparator: null });
  });

  it("says what decided, and calls a comparison by value by its name", () => {
    const gold = String.raw`\sqrt{3+2\sqrt2}`;
    expect(gradeAnswer({ gold, answer: String.raw`1+\sqrt2` })).toMatchObject({ comparator: "numeric" });
    expect(gradeAnswer({ gold: "x^2-1", answer: "(x-1)(x+1)" })).toMatchObject({ comparator: "algebra" });
    expect(gradeAnswer({ gold: "1/3", answer: "0.33" })).toMatchObject({ comparator: "rounded" });
  });

  it.each([
    ["", "empty"],
    ["<think>let me see", "thinking never ended"],
    ["I do not know what to say about this one", "nothing that looks like an answer"],
  ])("finds no answer in %j", (answer, reason) => {
    expect(gradeAnswer({ gold: "4", answer })).toMatchObject({
      verdict: "no-answer",
      extracted: null,
      reason,
    });
  });

  it("expands products as arithmetic does", () => {
    const roots = tuple(
      integer({ min: -9, max: 9 }),
      integer({ min: -9, max: 9 }),
      integer({ min: 1, max: 5 }),
    );
    const factored = property(roots, constantFrom("x", "t", String.raw`\alpha`), ([a, b, scale], letter) => {
      const gold = `${scale}(${letter}-(${a}))(${letter}-(${b}))`;
      const answer = `${scale}${letter}^2+(${-scale * (a + b)})${letter}+(${scale * a * b})`;
      expect(gradeAnswer({ gold, answer }).verdict).toBe("correct");
      expect(gradeAnswer({ gold, answer: `${answer}+1` }).verdict).toBe("incorrect");
    });
    expect(() => assert(factored, { numRuns: 60 })).not.toThrow();
  });

  it.each([
    "{".repeat(10_000),
    String.raw`\frac{`.repeat(2000),
    "2^{2^{2^{2^{100}}}}",
    "9^{9^{9^9}}",
    String.raw`\sqrt{`.repeat(500),
    "(x+1)^{1000}",
    "(a+b+c+d+e+f)^{64}",
    "1e999999",
    `${"9".repeat(60)}!`,
    String.raw`\boxed{`.repeat(3000),
    `answer${" ".repeat(20_000)}`,
    "1,".repeat(1400),
  ])("ends on input that is made to take long: %.20s", (text) => {
    expect(gradeAnswer({ gold: text, answer: `${text}+1` }).verdict).not.toBe("correct");
  });
});
