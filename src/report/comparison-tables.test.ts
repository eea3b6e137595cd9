import { expect, test } from "vitest";
import type { PairedResult, RunComparison } from "../runs/run-comparison.ts";
import { detailLines, powerLines, runTable, sampleTable } from "./comparison-tables.ts";

const paired: PairedResult = {
  drop: 0.125,
  dropInterval: [-0.01, 0.25],
  p: 0.0123,
  test: "permutation-exact",
  holmP: 0.0246,
  lost: Array.from({ length: 14 }, (_, index) => `p${index}`),
  won: [],
  bothSolved: 20,
  neitherSolved: 6,
  bySubject: [{ name: "ages", n: 40, solvedBefore: 34, solvedAfter: 20, lost: 14, won: 0 }],
  byLevel: [],
  power: { difference: 0.01, problems: 12_345, samples: 96, found: 0.0714 },
  agreement: { unit: "tokens", pairs: 40, identical: 8, medianFirstDifference: 31, medianSharedPart: 0.255 },
};
const run = (name: string, result: PairedResult | null): RunComparison => ({
  name,
  summary: {
    problems: 40,
    samples: 4,
    score: result === null ? 0.8 : 0.675,
    interval: [0.6, 0.9],
    passAtK: [
      [1, 0.675],
      [4, 0.9],
    ],
    majorityAtK: [
      [1, 0.675],
      [4, 0.7],
    ],
  },
  paired: result,
  shape: {
    texts: 160,
    unit: "tokens",
    lengths: { mean: 812.3, median: 700, p90: 1500, longest: 4096 },
    truncated: 0.05,
    thoughtsTruncated: 0.025,
    abrupt: 0.0625,
    degenerate: [
      { variation: null, share: 0.1, loop: 0.05, noAnswer: 0.05, notText: 0 },
      { variation: "3 equal lines", share: 0.12, loop: 0.07, noAnswer: 0.05, notText: 0 },
    ],
  },
});
const runs = [run("full", null), run("mockllm/low", paired), run("other", { ...paired, drop: -0.02 })];

test("runs beside a baseline, within 80 columns", () => {
  const lines = [...runTable(runs), ...sampleTable(runs.slice(0, 2)), ...powerLines(runs.slice(0, 2))];
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "run          score   interval  drop      interval  lost  won      p  Holm p
    -----------  -----  ---------  ----  ------------  ----  ---  -----  ------
    full          80.0  60.0-90.0     -             -     -    -      -       -
    mockllm/low   67.5  60.0-90.0  12.5  -1.0 to 25.0    14    0  0.012   0.025
    other         67.5  60.0-90.0  -2.0  -1.0 to 25.0    14    0  0.012   0.025
    score: % of 40 problems, 4 samples each, with 95 % interval; drop in points
    against full; lost/won: problems solved by most samples before and not now, and
    the reverse; p: paired permutation, exact.
    run                   k=1   k=4
    -----------  ------  ----  ----
    full         pass@k  67.5  90.0
                 maj@k   67.5  70.0
    mockllm/low  pass@k  67.5  90.0
                 maj@k   67.5  70.0
    mockllm/low: finding 1.0 points (80 % power, level 5 %) takes 12,345 problems,
    or 96 samples of each of these; these 40 find 7.1 points."
  `);
});

test("what one run lost and won, and how its texts differ", () => {
  const lines = detailLines(runs[0]!, runs[1]!);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "lost: p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, and 2 more
    won: none

    subject   n  before  after  lost  won
    -------  --  ------  -----  ----  ---
    ages     40    85.0   50.0    14    0

    Texts: 8 of 40 are equal; the others part after 31 tokens (median), 26 % of the
    longer text.

    run            unit  mean  median   90 %  longest  truncated  thinking  abrupt
    -----------  ------  ----  ------  -----  -------  ---------  --------  ------
    full         tokens   812     700  1,500    4,096        5.0       2.5     6.3
    mockllm/low  tokens   812     700  1,500    4,096        5.0       2.5     6.3
    lengths in their unit; truncated: % ended by the token limit, as the log says;
    thinking: % ended by it inside their thoughts; abrupt: % that end mid-sentence.

    degenerate, % of texts  before  loops  after  loops
    ----------------------  ------  -----  -----  -----
    as defined                10.0    5.0   10.0    5.0
    3 equal lines             12.0    7.0   12.0    7.0"
  `);
});

test("nothing is said of what is not known", () => {
  const bare = run("bare", {
    ...paired,
    bySubject: [],
    agreement: null,
    power: { ...paired.power, samples: null },
  });
  const shape = { ...bare.shape, texts: 0, lengths: null, degenerate: [] };
  const summary = { ...bare.summary, samples: 1, passAtK: [], majorityAtK: [] };
  const only = { ...bare, shape, summary };
  expect(detailLines(only, only)).toEqual([expect.stringContaining("lost: p0"), "won: none"]);
  expect(sampleTable([only])).toEqual([]);
  expect(powerLines([only])[0]).not.toContain("samples");
});
