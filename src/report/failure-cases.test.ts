import { expect, test } from "vitest";
import { fixtureRun } from "../../test/fixture-run.ts";
import { chooseCases, failureCases } from "./failure-cases.ts";
import { variantLabels } from "./variant-words.ts";

const run = fixtureRun({ problems: 200 });
const labels = variantLabels(run.comparisons.map(({ variant }) => variant));
const context = { labels, shortTypes: (type: string) => type };

function typesOf(cases: readonly { variant: string; type: string }[]): Set<string> {
  return new Set(cases.filter(({ variant }) => variant === "w2-g64-rtn").map(({ type }) => type));
}

test("a capped variant keeps every type it has, and full precision's failures come last", () => {
  const chosen = chooseCases(run, { perVariant: 16 });
  expect(typesOf(chosen)).toEqual(typesOf(run.diagnoses));
  expect(chosen.filter(({ variant }) => variant === "w2-g64-rtn")).toHaveLength(16);
  expect(chosen.at(-1)?.variant).toBe("full");
});

test("cases shrink until they fit, and say how many there were", () => {
  const limits = { perVariant: 100, characters: 40_000, textCharacters: 6000 };
  const cases = failureCases(run, { ...context, limits });
  expect(JSON.stringify(cases).length).toBeLessThanOrEqual(limits.characters);
  const rtn = cases.variants.find(({ name }) => name === "w2-g64-rtn")!;
  expect(rtn.shown).toBeLessThan(rtn.failures);
});

test("an endless text is cut and says so; the first wrong step stays", () => {
  const [first] = run.diagnoses;
  const long = { ...first!, steps: Array.from({ length: 500 }, () => "loop ".repeat(50)), firstWrongStep: 3 };
  const cases = failureCases({ ...run, diagnoses: [long] }, context);
  const { steps } = cases.cases[0]!;
  expect(steps.length).toBeGreaterThan(3);
  expect(steps.at(-1)).toMatch(/more steps left out of this page/);
  expect(steps.join("").length).toBeLessThan(8000);
});
