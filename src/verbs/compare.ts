import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { writeOrExplain } from "../checkpoint/model-directory.ts";
import { comparePaired } from "../evaluation/compare-paired.ts";
import { compareRuns } from "../evaluation/compare-runs.ts";
import { pairRuns } from "../evaluation/pair-runs.ts";
import type { SampledRun } from "../evaluation/sampled-run.ts";
import { variantKind } from "../report/variant-words.ts";
import type { ComparisonRecord } from "../runs/records.ts";
import type { RunComparison } from "../runs/run-comparison.ts";
import { loadTokenizer } from "../tokenizer/tokenizer.ts";
import { BitmendError } from "../util/errors.ts";
import { differences } from "./differences.ts";
import { readEvaluation, type RecordedEvaluation } from "./evaluation-directory.ts";
import type { VerbRun } from "./events.ts";
import { readRun } from "./read-run.ts";
import { resolveModel } from "./resolve-model.ts";

export interface CompareOptions {
  /** Directories of measurements, samples of lm-evaluation-harness (file or directory), logs of Inspect. */
  readonly paths: readonly string[];
  /** Name of the run that the others are compared with. Default: full precision, `full` first; of other tools, the first run. */
  readonly baseline?: string | undefined;
  /** Which score of another tool's log counts. Default: its first. */
  readonly metric?: string | undefined;
  /** The difference that power is stated for, fraction of 1. Default: 0.01. */
  readonly difference?: number | undefined;
  /** Model whose tokenizer cuts texts, so that the first differing token is told. Default: characters are compared. */
  readonly tokenizer?: string | undefined;
  /** Where all of `runs` is written as JSON. Default: nowhere. */
  readonly output?: string | undefined;
}

export interface CompareResult {
  /** Name of the run that the others are compared with. */
  readonly baseline: string;
  /** The baseline first, each other run beside it. */
  readonly runs: readonly RunComparison[];
  /** What a report reads; empty unless bitmend measured all, one sample a problem. */
  readonly comparisons: readonly ComparisonRecord[];
  /** Where `comparisons` were written; null where there are none. */
  readonly file: string | null;
}

/** One run under the name that it has among the others. */
interface Entry {
  readonly path: string;
  readonly run: SampledRun;
  readonly name: string;
}

/**
 * Compares runs problem by problem with one of them: directories of bitmend and logs of other tools, in any mixture.
 *
 * Directories of bitmend must hold the same problems; of other runs the shared problems count. Records for the report go to `comparisons.json`
 * of the (last) directory, or to a file that names the baseline where that is not full precision or comes from another directory.
 *
 * @yields A remark for what is left out, and for every choice made in reading a log.
 * @throws {BitmendError} `verbs/no-records`, `verbs/different-problems` naming the difference, `verbs/no-baseline`, `evaluation/unpaired`.
 */
export async function* compare(options: CompareOptions): VerbRun<CompareResult> {
  const { paths, metric, difference = 0.01, output } = options;
  if (paths.length === 0)
    throw new BitmendError("verbs/no-records", "compare(): expected measurements, got no path.");
  const ours = new Map(
    paths.filter(isOurs).map((path): [string, RecordedEvaluation] => [path, readEvaluation(resolve(path))]),
  );
  const [first, ...others] = ours.values();
  for (const other of others) refuseOtherProblems(first!, other);
  const read = paths.map((path) => ({ path, ...readRun(path, { metric }) }));
  for (const text of read.flatMap(({ remarks }) => remarks)) yield { type: "remark", text };
  const entries = named(read.flatMap(({ path, runs }) => runs.map((run) => ({ path, run }))));
  const baseline = chooseBaseline(entries, ours, options.baseline);
  const paired = pairRuns(
    [baseline, ...entries.filter((entry) => entry !== baseline)].map(({ run, name }) => ({ ...run, name })),
  );
  for (const [index, count] of paired.leftOut.entries())
    if (count > 0)
      yield {
        type: "remark",
        text: `${count} problems of ${paired.runs[index]!.name} are left out: not all runs answered them.`,
      };
  const [before, ...after] = paired.runs;
  const seed = first?.recipe.seed ?? 1;
  const encode = options.tokenizer === undefined ? undefined : yield* encoder(options.tokenizer);
  const runs = compareRuns(before!, after, { seed, difference, encode });
  const isPlain =
    ours.size === paths.length &&
    paired.runs.every(({ problems }) => problems.every(({ samples }) => samples.length === 1));
  const recorded = isPlain ? record(entries, baseline, ours) : { comparisons: [], file: null };
  if (output !== undefined) writeOrExplain(resolve(output), `${JSON.stringify(runs, null, 1)}\n`);
  return { baseline: baseline.name, runs, ...recorded };
}

async function* encoder(model: string): VerbRun<(text: string) => readonly number[]> {
  const tokenizer = loadTokenizer(yield* resolveModel(model));
  return (text) => tokenizer.encode(text);
}

function isOurs(path: string): boolean {
  return existsSync(join(path, "recipe.json"));
}

function isShared(names: readonly string[], name: string): boolean {
  return names.filter((each) => each === name).length > 1;
}

/** A name that two paths use is preceded by the last part of its path, or all of it where that is shared, too. */
function named(entries: readonly Omit<Entry, "name">[]): Entry[] {
  const own = entries.map(({ run }) => run.name);
  const short = entries.map(({ path, run }) => `${basename(resolve(path))}/${run.name}`);
  return entries.map((entry, index) => {
    const name = !isShared(own, own[index]!)
      ? own[index]!
      : isShared(short, short[index]!)
        ? `${entry.path}/${entry.run.name}`
        : short[index]!;
    return { ...entry, name };
  });
}

function chooseBaseline(
  entries: readonly Entry[],
  ours: ReadonlyMap<string, RecordedEvaluation>,
  wanted: string | undefined,
): Entry {
  const isFull = ({ path, run }: Entry): boolean => {
    const variant = ours.get(path)?.variants.find(({ name }) => name === run.name);
    return variant !== undefined && variantKind(variant) === "full";
  };
  const full = entries.filter(isFull);
  const isForeign = entries[0] !== undefined && !ours.has(entries[0].path);
  const candidates =
    wanted === undefined
      ? isForeign
        ? entries.slice(0, 1)
        : full
      : entries.filter(({ name }) => name === wanted);
  const only = candidates.find(({ name }) => name === "full") ?? candidates[0];
  if (only !== undefined && (candidates.length === 1 || only.name === "full")) return only;
  const names = entries.map(({ name }) => name).join(", ") || "none";
  throw new BitmendError(
    "verbs/no-baseline",
    `compare(): expected ${wanted === undefined ? "one variant in full precision" : wanted} among the finished variants, got ${names}.`,
    { hint: "Name the one to compare with: --baseline NAME." },
  );
}

/** Writes what reports read. */
function record(
  entries: readonly Entry[],
  baseline: Entry,
  ours: ReadonlyMap<string, RecordedEvaluation>,
): Pick<CompareResult, "comparisons" | "file"> {
  const graded = entries.map((entry) => {
    const evaluation = ours.get(entry.path)!;
    const variant = evaluation.variants.find(({ name }) => name === entry.run.name)!;
    return {
      entry,
      evaluation,
      variant: { ...variant, name: entry.name },
      verdicts: evaluation.verdicts.get(variant.name)!,
    };
  });
  const base = graded.find(({ entry }) => entry === baseline)!;
  const { problems, recipe } = [...ours.values()][0]!;
  const comparisons = graded.map(({ variant, verdicts }) =>
    comparePaired({ variant, problems, baseline: base.verdicts, verdicts, seed: recipe.seed }),
  );
  const isUsual = ours.size === 1 && variantKind(base.variant) === "full";
  const name = isUsual ? "comparisons.json" : `comparisons-with-${fileNamePart(baseline.name)}.json`;
  const file = join([...ours.values()].at(-1)!.directory, name);
  writeOrExplain(file, `${JSON.stringify(comparisons, null, 1)}\n`);
  return { comparisons, file };
}
function fileNamePart(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9._+~-]+/gu, "-").replace(/^-/u, "");
}

/** Paired statistics need the same problems: says how two sets differ, and which setting made them so. */
function refuseOtherProblems(left: RecordedEvaluation, right: RecordedEvaluation): void {
  const [leftIds, rightIds] = [problemIds(left), problemIds(right)];
  const onlyLeft = [...leftIds.difference(rightIds)];
  const onlyRight = [...rightIds.difference(leftIds)];
  if (onlyLeft.length === 0 && onlyRight.length === 0) return;
  const settings = differences(selection(left), selection(right), ["in the first", "in the second"]).join(
    "; ",
  );
  throw new BitmendError(
    "verbs/different-problems",
    `compare(): expected the same problems in both directories, got ${alone(onlyLeft, left)} and ${alone(onlyRight, right)}${settings === "" ? "" : `; ${settings}`}.`,
    { hint: "Evaluate both with the same task, split, seed and number of problems." },
  );
}

function problemIds({ problems }: RecordedEvaluation): Set<string> {
  return new Set(problems.map(({ id }) => id));
}

function selection({ recipe, taskVersion }: RecordedEvaluation): unknown {
  const { task, split, seed, problems } = recipe;
  return { task, taskVersion, split, seed, problems };
}

function alone(ids: readonly string[], { directory }: RecordedEvaluation): string {
  const shown = ids.slice(0, 3).join(", ") + (ids.length > 3 ? ", ..." : "");
  return `${ids.length} only in ${directory}${ids.length === 0 ? "" : ` (${shown})`}`;
}
