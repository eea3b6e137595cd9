import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fixtureRun } from "../../test/fixture-run.ts";
import { writeFixtureRun } from "../../test/write-fixture-run.ts";
import { readRun } from "./run-records.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bitmend-report-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("a run on disk comes back as it was written", () => {
  const run = fixtureRun({ problems: 20 });
  writeFixtureRun(directory, run);
  expect(readRun(directory)).toEqual(run);
});

test("stages that have not run yet are empty, and a directory that is no run is named", () => {
  expect(() => readRun(directory)).toThrow(expect.objectContaining({ code: "report/no-run" }));
  writeFileSync(join(directory, "comparisons.json"), "[]");
  expect(readRun(directory)).toMatchObject({ diagnoses: [], training: [], summary: null });
  writeFileSync(join(directory, "summary.json"), "{");
  expect(() => readRun(directory)).toThrow(expect.objectContaining({ code: "report/malformed" }));
});
