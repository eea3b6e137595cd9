import { expect, test } from "vitest";
import { fixtureRun } from "../../test/fixture-run.ts";
import { renderReport } from "./render-report.ts";

const run = fixtureRun({ problems: 1000 });

test("the same records give the same page, far below 3 MB, that loads nothing", () => {
  const page = renderReport(run);
  expect(renderReport(structuredClone(run))).toBe(page);
  expect(Buffer.byteLength(page)).toBeLessThan(2_500_000);
  expect(page).not.toMatch(/\bsrc=|url\((?!#)|@import|https?:/);
  expect(page).toContain("default-src &#39;none&#39;");
  expect(page.split("<script>")[0]).not.toMatch(/NaN|undefined|Infinity|-0\.00/);
});

test("nothing a model wrote becomes markup", () => {
  const attack = `</script><img src=x onerror=alert(1)>'"<!--`;
  const poisoned = {
    ...run,
    problems: run.problems.map((problem) => ({ ...problem, question: attack, subject: attack })),
    completions: run.completions.map((completion) => ({ ...completion, text: attack })),
    diagnoses: run.diagnoses.map((one) => ({
      ...one,
      variant: one.variant + attack,
      steps: [attack],
      firstWrongStep: 0,
      evidence: attack,
    })),
    medicine: run.medicine.map((one) => ({
      ...one,
      question: attack,
      prefix: attack,
      chosen: attack,
      rejected: attack,
    })),
    comparisons: run.comparisons.map((one) => ({
      ...one,
      variant: { ...one.variant, name: one.variant.name + attack, method: one.variant.method },
      bySubject: one.bySubject.map(([name, correct, n]): [string, number, number] => [
        name + attack,
        correct,
        n,
      ]),
    })),
    training: run.training.slice(0, 3).map((one) => ({ ...one, training: attack, metrics: { [attack]: 1 } })),
    layerErrors: run.layerErrors.map((one) => ({ ...one, module: attack, variant: attack })),
    recipe: { [attack]: attack },
    environment: attack,
  };
  const page = renderReport(poisoned);
  expect(page).not.toContain("<img");
  expect(page.match(/<script/g)).toHaveLength(2);
  expect(page.match(/<!--/g)).toBeNull();
});

test("a run that only compared, or has nothing but full precision, still makes a page", () => {
  const bare = {
    ...run,
    problems: [],
    completions: [],
    verdicts: [],
    diagnoses: [],
    medicine: [],
    training: [],
    layerErrors: [],
    summary: null,
    recipe: null,
    environment: null,
  };
  for (const comparisons of [run.comparisons, run.comparisons.slice(0, 1), []]) {
    const page = renderReport({ ...bare, comparisons });
    expect(page).toContain("</html>");
    expect(page.split("<script>")[0]).not.toMatch(/NaN|undefined|Infinity/);
  }
});
