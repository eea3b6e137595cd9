import { describe, expect, test } from "vitest";
import { compareRuns } from "./compare-runs.ts";
import { pairRuns } from "./pair-runs.ts";
import type { Sample, SampledProblem, SampledRun } from "./sampled-run.ts";

const sample = (score: number, text: string | null = null): Sample => ({
  score,
  answer: score === 1 ? "1" : null,
  text,
  tokens: null,
  truncated: null,
});

const problem = (
  id: string,
  scores: readonly number[],
  overrides: Partial<SampledProblem> = {},
): SampledProblem => ({
  id,
  question: `question ${id}`,
  subject: null,
  level: null,
  samples: scores.map((score) => sample(score)),
  ...overrides,
});

const run = (
  name: string,
  problems: readonly SampledProblem[],
  tool: SampledRun["tool"] = "inspect",
): SampledRun => ({
  name,
  tool,
  problems,
});

describe("pairRuns", () => {
  test("one tool: shared ids count, in the order of the first run", () => {
    const { runs, leftOut } = pairRuns([
      run("a", [problem("2", [1]), problem("1", [1]), problem("3", [1])]),
      run("b", [problem("1", [0]), problem("2", [0])]),
    ]);
    expect(runs.map(({ problems }) => problems.map(({ id }) => id))).toEqual([
      ["2", "1"],
      ["2", "1"],
    ]);
    expect(leftOut).toEqual([1, 0]);
  });

  test("two tools: the same question counts, whatever its id and spaces; one asked twice does not", () => {
    const { runs, leftOut } = pairRuns([
      run("a", [
        problem("x", [1], { question: "What is\n 2?" }),
        problem("y", [1], { question: "Twice" }),
        problem("z", [1], { question: null }),
      ]),
      run(
        "b",
        [
          problem("7", [0], { question: "What is 2? " }),
          problem("8", [0], { question: "Twice" }),
          problem("9", [0], { question: "Twice" }),
        ],
        "bitmend",
      ),
    ]);
    expect(runs.map(({ problems }) => problems.map(({ id }) => id))).toEqual([["x"], ["x"]]);
    expect(leftOut).toEqual([2, 2]);
  });

  test("one id for two questions, and nothing shared, are refused", () => {
    const first = run("a", [problem("1", [1])]);
    expect(() => pairRuns([first, run("b", [problem("1", [1], { question: "another" })])])).toThrow(
      /the same questions, got others in a and b under 1 of 1 ids: 1\./u,
    );
    expect(() => pairRuns([first, run("b", [problem("2", [1])])])).toThrow(
      expect.objectContaining({ code: "evaluation/unpaired" }),
    );
    expect(() => pairRuns([first, run("b", [problem("2", [1])], "bitmend")])).toThrow(
      /none with the same id or question/u,
    );
  });
});

test("compareRuns, worked example: two samples each of three problems", () => {
  const [row] = compareRuns(
    run("a", [
      problem("1", [1, 1]),
      problem("2", [1, 0]),
      problem("3", [1, 1], { subject: "s", level: "2" }),
    ]),
    [
      run("b", [
        problem("1", [0, 0]),
        problem("2", [1, 1]),
        problem("3", [1, 0], { subject: "s", level: "2" }),
      ]),
    ],
    { seed: 1, difference: 0.1 },
  ).slice(1);
  // Differences 1, -1/2, 1/2: a sum of 1 or more either way comes from four of the eight signs (±2 and ±1).
  expect(row?.paired).toMatchObject({
    test: "permutation-exact",
    p: 0.75,
    holmP: 0.75,
    lost: ["1", "3"],
    won: ["2"],
  });
  expect(row?.paired?.drop).toBeCloseTo(1 / 3, 14);
  expect(row?.summary).toMatchObject({
    score: 0.5,
    samples: 2,
    passAtK: [
      [1, 0.5],
      [2, 2 / 3],
    ],
  });
  expect(row?.paired?.bySubject).toEqual([
    { name: "s", n: 1, solvedBefore: 1, solvedAfter: 0, lost: 1, won: 0 },
  ]);
  expect(row?.paired?.agreement).toBeNull();
});

const texts = (name: string, list: readonly string[]): SampledRun =>
  run(
    name,
    list.map((text, index) => problem(`${index}`, [1], { samples: [sample(1, text)] })),
  );

test("texts: where they part, by characters or tokens", () => {
  const [left, right] = [
    texts("a", ["one two three", "same", "ab"]),
    texts("b", ["one two four!", "same", "abcd"]),
  ];
  const agreementBy = (encode?: (text: string) => readonly number[]): unknown =>
    compareRuns(left, [right], { seed: 1, difference: 0.1, encode })[1]?.paired?.agreement;
  expect(agreementBy()).toEqual({
    unit: "characters",
    pairs: 3,
    identical: 1,
    // 8 of 13 and 2 of 4
    medianFirstDifference: 5,
    medianSharedPart: (8 / 13 + 1 / 2) / 2,
  });
  expect(agreementBy((text) => text.split(" ").map((word) => word.length))).toMatchObject({
    unit: "tokens",
    // 3 3 5 and 3 3 5 are equal as lengths; 2 and 4 part at once.
    identical: 2,
    medianFirstDifference: 0,
  });
});
