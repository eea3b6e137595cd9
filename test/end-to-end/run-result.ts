import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Summary, summarySchema } from "../../src/runs/summary.ts";
import { recipe } from "./small-recipe.ts";

/** The one run of the small recipe below `runs`. */
export function onlyRun(runs: string): string {
  const entries = readdirSync(join(runs, recipe.name));
  if (entries.length !== 1) throw new Error(`expected one run in ${runs}, got ${entries.join(", ")}`);
  return join(runs, recipe.name, entries[0]!);
}

/** What a run found, without what it cost. */
export function findings(run: string): Omit<Summary, "seconds" | "peakMemoryBytes"> {
  const { seconds, peakMemoryBytes, ...rest } = summarySchema.parse(
    JSON.parse(readFileSync(join(run, "summary.json"), "utf8")),
  );
  if (seconds <= 0 || peakMemoryBytes <= 0) throw new Error("expected a run to cost time and memory");
  return rest;
}

/** Cost and time of day differ from run to run. */
const ofThisRun = new Set(["events.jsonl", "environment.json", "report.html", "summary.json"]);

/** Every file a run left but its costs: records as sorted lines, since problems finish in any order; everything else byte for byte. */
export function contents(run: string): Map<string, string> {
  const files = readdirSync(run, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name).slice(run.length + 1));
  return new Map(
    paths
      .filter((path) => !ofThisRun.has(path))
      .toSorted()
      .map((path) => [path, content(run, path)]),
  );
}

function content(run: string, path: string): string {
  const bytes = readFileSync(join(run, path));
  if (path.endsWith(".safetensors")) return bytes.toString("base64");
  // An adapter names the model it belongs to.
  const text = bytes.toString("utf8").replaceAll(run, "RUN");
  return path.endsWith(".jsonl") ? text.split("\n").toSorted().join("\n") : text;
}
