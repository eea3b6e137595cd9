import { expect, test } from "vitest";
import { fixtureRun } from "../../test/fixture-run.ts";
import { comparisonTable, errorTable, restorationTable } from "./result-tables.ts";

const run = fixtureRun({ problems: 1000 });
const everything = { bits: 2, groupSize: -1, symmetric: true, method: "gptq", restoredBy: "random" } as const;

test("the tables of a run read as expected", () => {
  expect(comparisonTable(run).join("\n")).toMatchInlineSnapshot(`
    "variant                   acc   interval  drop   rel  lost  won  deg         p
    -----------------------  ----  ---------  ----  ----  ----  ---  ---  --------
    Full precision           96.7  95.4-97.6     -     -     -    -    0         -
    8-bit RTN                96.5  95.2-97.5   0.2   0.2    15   13    0     0.851
    4-bit RTN                90.0  88.0-91.7   6.7   6.9    67    0    0  < 0.0001
    4-bit GPTQ               95.1  93.6-96.3   1.6   1.7    24    8    0     0.007
    3-bit RTN                54.3  51.2-57.4  42.4  43.8   424    0   27  < 0.0001
    3-bit GPTQ               78.0  75.3-80.5  18.7  19.3   187    0   12  < 0.0001
    3-bit GPTQ + QAT         96.1  94.7-97.1   0.6   0.6    16   10    3     0.327
    3-bit GPTQ + DPO         89.5  87.4-91.3   7.2   7.4    72    0    8  < 0.0001
    3-bit GPTQ + SFT         90.5  88.5-92.2   6.2   6.4    62    0    7  < 0.0001
    3-bit GPTQ + random SFT  89.1  87.0-90.9   7.6   7.9    76    0    7  < 0.0001
    2-bit RTN                 1.4    0.8-2.3  95.3  98.6   953    0  391  < 0.0001
    2-bit GPTQ               31.0  28.2-33.9  65.7  67.9   657    0  265  < 0.0001
    2-bit GPTQ + QAT         93.5  91.8-94.9   3.2   3.3    37    5    0  < 0.0001
    acc = % of 1,000 problems solved, with 95 % interval; drop in points, rel in %;
    lost/won against full precision; deg = degenerate outputs; p = exact McNemar."
  `);
  expect(restorationTable(run).join("\n")).toMatchInlineSnapshot(`
    "restored                 before  after   gain  of the loss  to full precision
    -----------------------  ------  -----  -----  -----------  -----------------
    3-bit GPTQ + QAT           78.0   96.1  +18.1         97 %               -0.6
    3-bit GPTQ + DPO           78.0   89.5  +11.5         61 %               -7.2
    3-bit GPTQ + SFT           78.0   90.5  +12.5         67 %               -6.2
    3-bit GPTQ + random SFT    78.0   89.1  +11.1         59 %               -7.6
    2-bit GPTQ + QAT           31.0   93.5  +62.5         95 %               -3.2"
  `);
});

test("every table keeps within 80 columns and ASCII, with the longest labels too", () => {
  const [first] = run.comparisons;
  const comparisons = [
    ...run.comparisons,
    { ...first!, variant: { ...everything, name: "long" }, drop: 0.987, relativeDrop: 0.999, mcnemarP: 0 },
    { ...first!, variant: { ...everything, name: "longer", symmetric: false } },
  ];
  for (const table of [comparisonTable, errorTable, restorationTable]) {
    for (const line of table({ ...run, comparisons })) {
      expect(line.length).toBeLessThanOrEqual(80);
      expect(line).toMatch(/^[ -~]*$/);
    }
  }
});
