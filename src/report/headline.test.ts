import { expect, test } from "vitest";
import { fixtureRun } from "../../test/fixture-run.ts";
import { headline } from "./headline.ts";
import { variantLabels } from "./variant-words.ts";

const run = fixtureRun({ problems: 200 });
const labels = variantLabels(run.comparisons.map(({ variant }) => variant));

function upTo(names: readonly string[]): typeof run {
  return { ...run, comparisons: run.comparisons.filter(({ variant }) => names.includes(variant.name)) };
}

test("says what was lost and what came back, in words and with their numbers", () => {
  const { title, sentences } = headline(run, labels);
  expect([title, ...sentences].join("\n")).toMatchInlineSnapshot(`
    "Two-bit GPTQ lost 64 points of accuracy. Distillation brought 61 points back.
    Full precision solves 192 of 200 problems (96.0 %, 95 % interval 92.3 to 98.0). Every variant was given the same problems.
    The paired test cannot tell 8-bit RTN and 4-bit GPTQ from full precision (McNemar p ≥ 0.05).
    Points lost: 4-bit RTN 5.0, 3-bit RTN 40.5, 3-bit GPTQ 14.0, 2-bit RTN 94.0 and 2-bit GPTQ 63.5.
    From 3-bit GPTQ (82.0 %): QAT +13.0, DPO +9.0, SFT +8.5 and random SFT +8.0 points.
    From 2-bit GPTQ (32.5 %): QAT +60.5 points.
    The most frequent of 579 diagnosed failures is numerical computation error (45 %): the first wrong step has right operands and operation and a wrong number."
  `);
});

test("a run without restoration tells the loss, one without a loss says so", () => {
  expect(headline(upTo(["full", "w3-g64-rtn"]), labels).title).toMatchInlineSnapshot(
    `"Three-bit RTN lost 41 points of accuracy."`,
  );
  expect(headline(upTo(["full", "w8-g64-rtn"]), labels).title).toMatchInlineSnapshot(
    `"No loss that 200 problems could show."`,
  );
});
