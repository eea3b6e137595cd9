import { expect, test } from "vitest";
import { fixtureRun } from "../../test/fixture-run.ts";
import type { AllocationRecord, SensitivityRecord } from "../runs/sensitivity.ts";
import { renderReport } from "./render-report.ts";
import { widthsTable } from "./widths-table.ts";

const sensitivities = [0, 1].flatMap((layer) =>
  ["q k v", "o", "gate up", "down"].flatMap((part, index) =>
    ([2, 3, 4] as const).map((bits): SensitivityRecord => ({
      layer,
      part,
      modules: [`model.layers.${layer}.${part}`],
      bits,
      roundedBy: "rtn",
      surroundingBits: 3,
      divergence: bits === 3 ? 0.0146 : 0.0146 + (3 - bits) * 0.001 * (index + layer + 1),
    })),
  ),
);
const allocation: AllocationRecord = {
  variant: "w3-mixed-g64-rtn",
  budget: 3,
  averageBits: 2.98,
  storedBits: 3.28,
  tokens: 4711,
  units: sensitivities.filter(({ layer, part, bits }) => bits === (layer === 0 && part === "o" ? 2 : 3)),
  predicted: 0.01,
  measured: 0.0086,
  uniform: [2, 3, 4].map((averageBits) => ({ averageBits, divergence: 0.5 / 6 ** averageBits })),
  frontier: [2, 2.5, 3, 4].map((averageBits) => ({ averageBits, divergence: 0.4 / 6 ** averageBits })),
};

test("the table names each part's width, what it does, and prediction beside measurement", () => {
  const lines = widthsTable(allocation);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "layer    q k v        o  gate up     down
    -----  -------  -------  -------  -------
        0  3 0.015  2 0.017  3 0.015  3 0.015
        1  3 0.015  3 0.015  3 0.015  3 0.015
    bits of each part, and KL(full || changed) of the next token when it has these
    and the rest has 3 bits; nats, mean over 4,711 calibration tokens.
    mean: 2.98 bits a weight, 3.28 with scales and zero points
    divergence: 0.01 predicted, 0.0086 measured
    predicted with one width everywhere: 2 bits 0.014, 3 bits 0.0023, 4 bits 3.9e-4"
  `);
});

test("a prediction below 0 is called none, not shown as a number", () => {
  const uniform = [{ averageBits: 4, divergence: -0.021 }];
  const lines = widthsTable({ ...allocation, uniform }).join("\n");
  expect(lines).toContain("one width everywhere: 4 bits none\nnone = the parts' changes sum to less than 0");
});

test("the report of a mixed variant shows its widths, without broken numbers", () => {
  const run = { ...fixtureRun({ problems: 40 }), sensitivities, allocations: [allocation] };
  const page = renderReport(run);
  expect(page).toContain("Which part got how many bits");
  const section = page.slice(page.indexOf('<section id="widths"'), page.indexOf('<section id="training"'));
  expect(section).toContain("0.0086 measured (0.9 times as much)");
  expect(section).not.toMatch(/NaN|undefined|Infinity|-0[" ,]/u);
});
