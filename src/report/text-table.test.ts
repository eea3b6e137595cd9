import * as fc from "fast-check";
import { expect, test } from "vitest";
import { displayWidth, textTable } from "./text-table.ts";

const columns = [
  { title: "name", align: "left", shrinks: true },
  { title: "n", align: "right" },
] as const;

test("columns are aligned, and the shrinking one is cut to fit", () => {
  expect(
    textTable(
      columns,
      [
        ["a very long name indeed", "12"],
        ["b", "3"],
      ],
      { width: 16 },
    ).join("\n"),
  ).toMatchInlineSnapshot(`
    "name           n
    ------------  --
    a very lon..  12
    b              3"
  `);
});

test("wide characters count two columns, and control characters cannot move the cursor", () => {
  expect(displayWidth("漢字")).toBe(4);
  expect(
    textTable(columns, [
      ["漢字漢字", "1"],
      ["\u001B[2Jx\ny", "2"],
    ]),
  ).toEqual(["name      n", "--------  -", "漢字漢字  1", "?[2Jx y   2"]);
});

test("property: no line is wider than asked, whatever the cells hold", () => {
  const cell = fc.string({ unit: "grapheme", maxLength: 60 });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, fc.nat().map(String)), { maxLength: 5 }), (rows) => {
      for (const line of textTable(columns, rows, { width: 40 }))
        expect(displayWidth(line)).toBeLessThanOrEqual(40);
    }),
  );
});
