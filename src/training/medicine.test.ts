import { describe, expect, test } from "vitest";
import type { DiagnosisRecord } from "../runs/records.ts";
import { medicineAsSolutions, medicineSet, randomSolutions, type SolvedProblem } from "./medicine.ts";

const full = { text: "pens: 2*3=6\nall: 6+4=10\n#### 10", correct: true };
const problem = (id: string, text: string, fullCorrect = true): SolvedProblem => ({
  id,
  question: `question ${id}`,
  full: { ...full, correct: fullCorrect },
  quantized: { text, correct: false },
});
const diagnosis = (id: string, steps: string[], firstWrongStep: number | null): DiagnosisRecord => ({
  variant: "w3",
  problem: id,
  steps,
  firstWrongStep,
  type: firstWrongStep === null ? "degenerate" : "numerical-computation-error",
  evidence: "",
});

const slip = ["pens: 2*3=6", "all: 6+4=11", "#### 11"];
const problems = [
  problem("slip", slip.join("\n")),
  problem("loop", "pens pens pens"),
  problem("hard", slip.join("\n"), false),
];
const diagnoses = [
  diagnosis("slip", slip, 1),
  diagnosis("loop", ["pens pens pens"], null),
  diagnosis("hard", slip, 1),
];

describe("medicineSet", () => {
  test("worked example: one pair, at the first wrong step, only from a failure that the full model solves", () => {
    expect(medicineSet({ problems, diagnoses, evaluation: [], seed: 1 })).toEqual([
      {
        problem: "slip",
        question: "question slip",
        prefix: "pens: 2*3=6\n",
        chosen: "all: 6+4=10\n#### 10",
        rejected: "all: 6+4=11\n#### 11",
        type: "numerical-computation-error",
      },
    ]);
  });

  test("a wrong first step leaves an empty prefix", () => {
    const wrong = ["pens: 2*3=5", "all: 5+4=9", "#### 9"];
    const [pair] = medicineSet({
      problems: [problem("first", wrong.join("\n"))],
      diagnoses: [diagnosis("first", wrong, 0)],
      evaluation: [],
      seed: 1,
    });
    expect(pair).toMatchObject({ prefix: "", chosen: full.text, rejected: wrong.join("\n") });
  });

  test("an evaluation problem among the training problems is refused", () => {
    const evaluation = [{ id: "test-7", question: "Question  SLIP" }];
    expect(() => medicineSet({ problems, diagnoses, evaluation, seed: 1 })).toThrowError(/slip = test-7/v);
  });

  test("at most `limit` pairs, chosen by the seed alone", () => {
    const many = Array.from({ length: 20 }, (_, index) => problem(`p${index}`, slip.join("\n")));
    const found = many.map(({ id }) => diagnosis(id, slip, 1));
    const draw = (seed: number) =>
      medicineSet({ problems: many, diagnoses: found, evaluation: [], limit: 5, seed }).map(
        (pair) => pair.problem,
      );
    expect(draw(1)).toHaveLength(5);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });
});

test("the same problems as plain solutions", () => {
  const medicine = medicineSet({ problems, diagnoses, evaluation: [], seed: 1 });
  expect(medicineAsSolutions(medicine)).toEqual([
    { problem: "slip", question: "question slip", solution: full.text },
  ]);
});

test("random solutions come from problems that the full model solves", () => {
  const drawn = randomSolutions({ problems, evaluation: [], seed: 1, count: 10 });
  expect(drawn.map(({ problem: id }) => id).toSorted()).toEqual(["loop", "slip"]);
});
