import { describe, expect, test } from "vitest";
import { parseExactNumber } from "../grading/exact-number.ts";
import { formatEquation, labelledStep } from "./labelled-step.ts";
import { questionNumbers } from "./question-numbers.ts";
import { repairedSolution } from "./repaired-solution.ts";

const repaired = (attempts: string[], answer: string): string[] | null =>
  repairedSolution({
    attempts: attempts.map((text) => text.split("\n").map((line) => labelledStep(line))),
    questionNumbers: questionNumbers("8 and 3, then 5"),
    statedValues: new Map([["Ann", parseExactNumber("8")!]]),
    answer: parseExactNumber(answer)!,
  })?.flatMap((step) => (step.kind === "equation" ? [formatEquation(step)] : [])) ?? null;

describe("repairedSolution", () => {
  test("wrong arithmetic is done anew and carried through", () =>
    expect(repaired(["a: 8+3=12\nb: 12-5=7\n#### 7"], "6")).toEqual(["8+3=11", "11-5=6"]));

  test("a quantity that the label names is used", () =>
    expect(repaired(["Ben Ann: 8+3=11\nTom Ann: 11+5=16\n#### 16"], "13")).toEqual(["8+3=11", "8+5=13"]));

  test("one operand is exchanged where arithmetic is not enough", () =>
    expect(repaired(["a: 8+3=11\nb: 11-3=8\n#### 8"], "6")).toEqual(["8+3=11", "11-5=6"]));

  test("the repair that needs no exchange wins, whichever attempt it comes from", () =>
    expect(repaired(["a: 8-3=5\nb: 5+5=10\n#### 10", "a: 8+3=12\nb: 12-5=7\n#### 7"], "6")).toEqual([
      "8+3=11",
      "11-5=6",
    ]));

  test("no repair, no guess", () => {
    expect(repaired(["a: 8+3=11\n#### 11"], "977")).toBeNull();
    expect(repaired(["nothing to repair\n#### 11", "", "a: 8+3=11"], "6")).toBeNull();
  });
});
