import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { pocketFamilies, pocketLevels } from "./pocket-problem.ts";
import type { PlanStep, PocketFamily, PocketProblem } from "./pocket-problem.ts";
import { pocketProblems, solutionText, streamPocketProblems } from "./pocket-problems.ts";

/** One problem of each family, to be checked by reading. */
const examples: Readonly<Record<PocketFamily, string>> = {
  shopping: [
    "Zoe has 97 dollars. She sells 7 cups for 9 dollars each. She earns 28 dollars. She spends 74 dollars. How many dollars does Zoe have now?",
    "income: 7*9=63",
    "money: 97+63=160",
    "money: 160+28=188",
    "left: 188-74=114",
    "#### 114",
  ].join("\n"),
  rates: [
    "A pump fills 3 liters a minute for 9 minutes. It loses 12 liters. It fills 39 liters more. It loses 31 liters. How many liters is that?",
    "total: 3*9=27",
    "left: 27-12=15",
    "total: 15+39=54",
    "left: 54-31=23",
    "#### 23",
  ].join("\n"),
  fractions: [
    "Leo has 60 shells. He loses 50 shells. He gives away 1 of every 2 shells. He loses 3 shells. How many shells does Leo have now?",
    "left: 60-50=10",
    "given: 10/2=5",
    "left: 10-5=5",
    "left: 5-3=2",
    "#### 2",
  ].join("\n"),
  ages: [
    "Mia is 58 years old. Ann is 29 years younger than Mia. Sam is 26 years younger than Ann. Tom is 31 years older than Sam. Leo is 6 years younger than Tom. How old is Leo?",
    "Ann Mia: 58-29=29",
    "Sam Ann: 29-26=3",
    "Tom Sam: 3+31=34",
    "Leo Tom: 34-6=28",
    "#### 28",
  ].join("\n"),
  equations: [
    "Eva thinks of a number. She adds 19. She multiplies it by 2. She divides it by 4. She takes away 23. She gets 6. What was the number?",
    "before: 6+23=29",
    "before: 29*4=116",
    "before: 116/2=58",
    "before: 58-19=39",
    "#### 39",
  ].join("\n"),
  units: [
    "A dime has 10 cents. Eva has 6 dimes. She adds 48 cents. She takes away 11 cents. She adds 16 cents. How many cents is that?",
    "cents: 6*10=60",
    "total: 60+48=108",
    "left: 108-11=97",
    "total: 97+16=113",
    "#### 113",
  ].join("\n"),
  sequences: [
    "Mia writes a list. The first number is 3. Each next number is 2 times the one before. What is the fifth number?",
    "second: 3*2=6",
    "third: 6*2=12",
    "fourth: 12*2=24",
    "fifth: 24*2=48",
    "#### 48",
  ].join("\n"),
  sharing: [
    "Leo has 7 boxes of 3 apples. He gets 9 boxes of 8 apples. He shares them among 3 kids. How many apples does each kid have now?",
    "total: 7*3=21",
    "part: 9*8=72",
    "total: 21+72=93",
    "each: 93/3=31",
    "#### 31",
  ].join("\n"),
};

const text = ({ question, solution }: PocketProblem): string => `${question}\n${solution}`;

function resultOf({ left, operator, right }: PlanStep): number {
  if (operator === "+") return left.value + right.value;
  if (operator === "-") return left.value - right.value;
  return operator === "*" ? left.value * right.value : left.value / right.value;
}

test("every step is right, every operand is known before it, the answer is the last result", () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom("train", "validation", "test"), (seed, split) => {
      for (const problem of pocketProblems({ split, seed, count: 80 })) {
        const { question, plan, answer, level, solution } = problem;
        const numbers = new Set((question.match(/\d+/g) ?? []).map(Number));
        expect(plan).toHaveLength(level + 1);
        for (const [index, step] of plan.entries()) {
          expect(step.result).toBe(resultOf(step));
          expect(Number.isInteger(step.result) && step.result >= 0 && step.result <= 999).toBe(true);
          expect(step.label).toMatch(/^\p{L}+( \p{L}+)?$/u);
          for (const { source, value } of [step.left, step.right]) {
            if (source === "problem") expect(numbers).toContain(value);
            else {
              expect(source).toBeLessThan(index);
              expect(plan[source]?.result).toBe(value);
            }
          }
        }
        expect(answer).toBe(String(plan.at(-1)?.result));
        expect(solution).toBe(solutionText(plan));
      }
    }),
    { numRuns: 6 },
  );
});

test("the last hexadecimal digit of the question's SHA-256 decides the split", () => {
  for (const split of ["train", "validation", "test"] as const) {
    for (const { question, ...problem } of pocketProblems({ split, seed: 1, count: 400 })) {
      const digit = createHash("sha256").update(question).digest("hex").at(-1);
      expect(digit === "0" ? "test" : digit === "1" ? "validation" : "train").toBe(split);
      expect(problem.split).toBe(split);
    }
  }
});

test("texts and ids are distinct, also over splits, and balanced over families and levels", () => {
  const problems = (["train", "validation", "test"] as const).flatMap((split) =>
    pocketProblems({ split, seed: 5, count: 2000 }),
  );
  expect(new Set(problems.map(({ question }) => question)).size).toBe(6000);
  expect(new Set(problems.map(({ id }) => id)).size).toBe(6000);
  for (const family of pocketFamilies) {
    for (const level of pocketLevels) {
      const count = problems.filter((problem) => problem.subject === family && problem.level === level);
      expect(count).toHaveLength(150);
    }
  }
});

test("the first k of n are the k drawn alone; other seeds give other problems", () => {
  const all = pocketProblems({ split: "test", seed: 3, count: 200 });
  expect(pocketProblems({ split: "test", seed: 3, count: 70 })).toEqual(all.slice(0, 70));
  const known = new Set(all.map(({ question }) => question));
  const others = pocketProblems({ split: "test", seed: 4, count: 200 });
  expect(others.filter(({ question }) => known.has(question)).length).toBeLessThan(5);
});

test("a family's problems do not depend on which others are drawn", () => {
  const ages = pocketProblems({ split: "train", seed: 3, count: 400 }).filter(
    ({ subject, level }) => subject === "ages" && level === 2,
  );
  expect(pocketProblems({ split: "train", seed: 3, count: 10, families: ["ages"], levels: [2] })).toEqual(
    ages,
  );
});

test("refuses empty choices and counts that are none", () => {
  const base = { split: "train", seed: 1, count: 1 } as const;
  expect(() => pocketProblems({ ...base, families: [] })).toThrow(/at least one family/);
  expect(() => pocketProblems({ ...base, count: 0.5 })).toThrow(/whole number/);
  expect(() => pocketProblems({ ...base, count: 0 })).toThrow(/whole number/);
});

test("an endless stream gives what a count gives", () => {
  const stream = streamPocketProblems({ split: "validation", seed: 9 });
  const first = Array.from({ length: 50 }, () => stream.next().value);
  expect(first).toEqual(pocketProblems({ split: "validation", seed: 9, count: 50 }));
});

test.for(pocketFamilies)("worked example: %s", (family) => {
  const [problem] = pocketProblems({ split: "test", seed: 42, count: 1, families: [family], levels: [3] });
  expect(text(problem!)).toBe(examples[family]);
});

test("worked plan: where every number comes from", () => {
  const [{ plan } = { plan: [] }] = pocketProblems({
    split: "test",
    seed: 42,
    count: 1,
    families: ["shopping"],
    levels: [3],
  });
  expect(
    plan.map(
      ({ left, operator, right }) =>
        `${left.value} (${left.source}) ${operator} ${right.value} (${right.source})`,
    ),
  ).toMatchInlineSnapshot(`
    [
      "7 (problem) * 9 (problem)",
      "97 (problem) + 63 (0)",
      "160 (1) + 28 (problem)",
      "188 (2) - 74 (problem)",
    ]
  `);
});
