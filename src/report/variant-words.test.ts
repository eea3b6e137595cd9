import { expect, test } from "vitest";
import { fixtureRun } from "../../test/fixture-run.ts";
import type { Variant } from "../runs/records.ts";
import { inReadingOrder, restorations, variantLabels } from "./variant-words.ts";

const variant = (changes: Partial<Variant>): Variant => ({
  name: "w3",
  method: "gptq",
  bits: 3,
  groupSize: 64,
  symmetric: false,
  restoredBy: null,
  ...changes,
});

function labels(variants: readonly Variant[]): string[] {
  return [...variantLabels(variants).values()];
}

test("labels are as short as they can be and different", () => {
  expect(labels([variant({ name: "full", method: null, bits: null, groupSize: null }), variant({})])).toEqual(
    ["Full precision", "3-bit GPTQ"],
  );
  expect(labels([variant({ name: "a", groupSize: -1 }), variant({ name: "b" })])).toEqual([
    "3-bit GPTQ channel",
    "3-bit GPTQ g64",
  ]);
  expect(labels([variant({ name: "a", symmetric: true }), variant({ name: "b" })])).toEqual([
    "3-bit GPTQ g64 sym",
    "3-bit GPTQ g64 asym",
  ]);
  expect(labels([variant({ name: "first" }), variant({ name: "second" })])).toEqual(["first", "second"]);
  const w8a8 = { bits: 8, groupSize: -1, symmetric: true, activations: "int8-per-token" } as const;
  expect(labels([variant({ method: "smoothquant", ...w8a8 })])).toEqual(["W8A8 SmoothQuant"]);
  expect(labels([variant({ method: "awq", synthetic: true, restoredBy: "qat" })])).toEqual([
    "Synthetic 3-bit AWQ + QAT",
  ]);
});

test("every restored variant finds the one it started from, and reading order goes from many bits to few", () => {
  const { comparisons } = fixtureRun({ problems: 20 });
  expect(restorations(comparisons).map(({ base, restored }) => [base.variant.name, restored.variant.name]))
    .toMatchInlineSnapshot(`
    [
      [
        "w3-g64-gptq",
        "w3-g64-gptq+qat",
      ],
      [
        "w2-g64-gptq",
        "w2-g64-gptq+qat",
      ],
      [
        "w3-g64-gptq",
        "w3-g64-gptq+dpo",
      ],
      [
        "w3-g64-gptq",
        "w3-g64-gptq+sft",
      ],
      [
        "w3-g64-gptq",
        "w3-g64-gptq+random",
      ],
    ]
  `);
  expect(inReadingOrder(comparisons).map(({ variant: { name } }) => name)).toMatchInlineSnapshot(`
    [
      "full",
      "w8-g64-rtn",
      "w4-g64-rtn",
      "w4-g64-gptq",
      "w3-g64-rtn",
      "w3-g64-gptq",
      "w3-g64-gptq+qat",
      "w3-g64-gptq+dpo",
      "w3-g64-gptq+sft",
      "w3-g64-gptq+random",
      "w2-g64-rtn",
      "w2-g64-gptq",
      "w2-g64-gptq+qat",
    ]
  `);
});
