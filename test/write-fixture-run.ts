import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunRecords } from "../src/report/run-records.ts";

/** Leaves the run on disk as a finished one lies there. */
export function writeFixtureRun(directory: string, run: RunRecords): void {
  mkdirSync(directory, { recursive: true });
  const whole = {
    recipe: run.recipe,
    environment: run.environment,
    comparisons: run.comparisons,
    summary: run.summary,
  };
  for (const [name, content] of Object.entries(whole))
    writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(content, null, 2)}\n`);
  const lines = {
    problems: run.problems,
    completions: run.completions,
    verdicts: run.verdicts,
    diagnoses: run.diagnoses,
    medicine: run.medicine,
    training: run.training,
    "layer-errors": run.layerErrors,
  };
  for (const [name, records] of Object.entries(lines))
    writeFileSync(
      join(directory, `${name}.jsonl`),
      records.map((record) => `${JSON.stringify(record)}\n`).join(""),
    );
}
