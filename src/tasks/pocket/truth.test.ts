import { expect, test } from "vitest";
import type { PocketProblem } from "./pocket-problem.ts";
import { pocketProblems } from "./pocket-problems.ts";
import { truthDiagnosis } from "./truth.ts";

const problem: PocketProblem = {
  id: "example",
  question:
    "Tom has 30 dollars. He buys 4 hats for 3 dollars each. He earns 10 dollars. The room has 6 chairs. How many dollars does Tom have now?",
  answer: "28",
  split: "test",
  subject: "shopping",
  level: 2,
  plan: [
    {
      label: "cost",
      left: { value: 4, source: "problem" },
      operator: "*",
      right: { value: 3, source: "problem" },
      result: 12,
    },
    {
      label: "left",
      left: { value: 30, source: "problem" },
      operator: "-",
      right: { value: 12, source: 0 },
      result: 18,
    },
    {
      label: "money",
      left: { value: 18, source: 1 },
      operator: "+",
      right: { value: 10, source: "problem" },
      result: 28,
    },
  ],
  solution: "cost: 4*3=12\nleft: 30-12=18\nmoney: 18+10=28\n#### 28",
};
const right = problem.solution.split("\n");

/** The solution with one line written otherwise and, like a model, nothing after it but an answer. */
function diagnose(index: number, ...lines: string[]) {
  return truthDiagnosis(problem, [...right.slice(0, index), ...lines].join("\n"));
}

test("nothing is wrong with the solution, nor with swapped factors, blank lines and spaces", () => {
  expect(truthDiagnosis(problem, problem.solution)).toBeNull();
  expect(diagnose(0, "cost: 3*4=12", "", "left : 30 - 12 = 18", "money: 10+18=28", "#### 28")).toBeNull();
});

test.for([
  [0, ["cost 4*3=12"], "symbolic-manipulation-error", "not the form of a step"],
  [1, ["left: 30-=18"], "symbolic-manipulation-error", "not the form of a step"],
  [2, ["#### 18"], "procedural-error", "a step skipped at the end"],
  [0, ["left: 30-12=18"], "procedural-error", "a step skipped"],
  [2, ["left: 30-12=18"], "procedural-error", "a step written twice"],
  [1, ["cost: 3*4=12"], "procedural-error", "a step written twice, operands swapped"],
  [3, ["left: 28-10=18"], "procedural-error", "a step too many"],
  [0, ["cost: 4+3=7"], "formula-rule-error", "another operator"],
  [1, ["left: 12-30=18"], "formula-rule-error", "operands of a subtraction swapped"],
  [1, ["left: 12+30=42"], "formula-rule-error", "another operator, operands swapped"],
  [0, ["cost: 4*8=32"], "symbolic-manipulation-error", "a number that occurs nowhere"],
  [1, ["left: 30-10=20"], "logical-reasoning-error", "a number of the text instead of the result before"],
  [2, ["money: 12+10=22"], "logical-reasoning-error", "an older result instead of the last"],
  [0, ["cost: 4*30=120"], "contextual-oversight", "another number of the text"],
  [2, ["money: 18+6=24"], "contextual-oversight", "the distractor"],
  [0, ["cost: 30*10=300"], "conceptual-misunderstanding", "both operands wrong"],
  [0, ["cost: 4+10=14"], "conceptual-misunderstanding", "one operand and the operator wrong"],
  [2, ["money: 10-30=20"], "conceptual-misunderstanding", "one operand and the operator wrong"],
  [1, ["left: 30-12=28"], "numerical-computation-error", "wrong result"],
  [1, ["money: 30-12=28"], "numerical-computation-error", "wrong result before wrong label"],
  [1, ["money: 30-12=18"], "symbolic-manipulation-error", "mislabelled"],
  [3, ["#### 18"], "logical-reasoning-error", "final answer is not the last result"],
  [3, ["#### 2 8"], "symbolic-manipulation-error", "not the form of an answer"],
] as const)("step %i %j: %s (%s)", ([index, lines, type]) => {
  expect(diagnose(index, ...lines, "#### 1")).toEqual({ firstWrongStep: index, type });
});

test("the first wrong step counts, whatever follows", () => {
  const completion = "cost: 4*3=11\nleft: 30-11=19\n#### 7";
  expect(truthDiagnosis(problem, completion)).toEqual({
    firstWrongStep: 0,
    type: "numerical-computation-error",
  });
});

test("a changed digit of any result is a computation error at its step", () => {
  for (const each of pocketProblems({ split: "validation", seed: 2, count: 200 })) {
    const index = each.plan.length - 1;
    const lines = each.solution.split("\n");
    const step = each.plan[index]!;
    lines[index] = lines[index]!.replace(/\d+$/, String(step.result + 1));
    lines[index + 1] = `#### ${step.result + 1}`;
    expect(truthDiagnosis(each, lines.join("\n"))).toEqual({
      firstWrongStep: index,
      type: "numerical-computation-error",
    });
    expect(truthDiagnosis(each, each.solution)).toBeNull();
  }
});
