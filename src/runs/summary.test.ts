import { expect, test } from "vitest";
import { fixtureRun } from "../../test/fixture-run.ts";
import { countErrorTypes, summarize, summarySchema } from "./summary.ts";

test("the summary has the shape it promises, and every failure stands in it once", () => {
  const { summary, comparisons, diagnoses } = fixtureRun({ problems: 40 });
  const parsed = summarySchema.parse(JSON.parse(JSON.stringify(summary)));
  expect(parsed).toEqual(summary);
  const errors = parsed.variants.flatMap((variant) => Object.values(variant.errors));
  expect(errors.reduce((sum, one) => sum + one, 0)).toBe(diagnoses.length);
  for (const [index, { variant, lost, won, n, accuracy }] of comparisons.entries())
    expect(parsed.variants[index]).toMatchObject({
      name: variant.name,
      method: variant.method,
      restoredBy: variant.restoredBy,
      lost: lost.length,
      won: won.length,
      n,
      accuracy,
    });
});

test("worked example: a run of full precision alone, without ground truth", () => {
  const { comparisons } = fixtureRun({ problems: 10 });
  const summary = summarize({
    recipe: "qwen",
    seed: 1,
    seconds: 2,
    peakMemoryBytes: 3,
    problems: { task: "gsm8k", split: "test", n: 10 },
    comparisons: comparisons.slice(0, 1),
    diagnoses: [],
    agreement: null,
  });
  expect(summary.diagnosis).toEqual({ failures: 0, stepAgreement: null, typeAgreement: null });
  expect(summary.variants[0]).toMatchObject({ method: null, bits: null, groupSize: null, restoredBy: null });
});

test("an unknown key, such as a misspelt one, is refused", () => {
  const { summary } = fixtureRun({ problems: 10 });
  expect(() => summarySchema.parse({ ...summary, seeds: 1 })).toThrow(/Unrecognized key/);
});

test("countErrorTypes names every type", () => {
  expect(countErrorTypes([{ type: "degenerate" }])).toMatchObject({ degenerate: 1, "procedural-error": 0 });
});
