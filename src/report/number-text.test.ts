import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  byteSize,
  coordinate,
  count,
  duration,
  fixed,
  percent,
  points,
  pValue,
  smallNumber,
} from "./number-text.ts";

test("worked examples", () => {
  expect([percent(0.9675), percent(1), points(0.0312), points(-0.004), points(-0.0001)]).toEqual([
    "96.8",
    "100.0",
    "+3.1",
    "−0.4",
    "0.0",
  ]);
  expect([count(12_345_678), count(999), count(0)]).toEqual(["12,345,678", "999", "0"]);
  expect([pValue(0.25), pValue(0.00042), pValue(1e-20)]).toEqual(["0.250", "0.0004", "< 0.0001"]);
  expect([duration(42.4), duration(200), duration(3840)]).toEqual(["42 s", "3 min 20 s", "1 h 04 min"]);
  expect([byteSize(512), byteSize(3_300_000), byteSize(1.31e9)]).toEqual(["512 B", "3.3 MB", "1.3 GB"]);
  expect([0, 0.0123, 0.000012, 1234.5, 2.5].map(smallNumber)).toEqual([
    "0",
    "0.012",
    "1.2e-5",
    "1,235",
    "2.5",
  ]);
});

test("property: no number is shown as minus zero", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.integer({ min: 0, max: 4 }),
      (value, digits) => {
        for (const text of [fixed(value, digits), coordinate(value), percent(value), points(value)])
          expect(text).not.toMatch(/^[-−]0(?:\.0*)?$/);
      },
    ),
  );
});
