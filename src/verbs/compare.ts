import { basename, join, resolve } from "node:path";
import { comparePaired } from "../evaluation/compare-paired.ts";
import { variantKind } from "../report/variant-words.ts";
import type { ComparisonRecord, Variant, VerdictRecord } from "../runs/records.ts";
import { writeOrExplain } from "../checkpoint/model-directory.ts";
import { BitmendError } from "../util/errors.ts";
import { differences } from "./differences.ts";
import { readEvaluation, type RecordedEvaluation } from "./evaluation-directory.ts";
import type { VerbRun } from "./events.ts";

export interface CompareOptions {
  /** One directory of measurements, or two on the same problems. */
  readonly directories: readonly string[];
  /** Name of the variant that the others are compared with. Default: `full`, else the only one in full precision. */
  readonly baseline?: string | undefined;
}

export interface CompareResult {
  /** Name of the variant that the others are compared with. */
  readonly baseline: string;
  readonly comparisons: readonly ComparisonRecord[];
  /** Where they were written. */
  readonly file: string;
}

interface Graded {
  readonly variant: Variant;
  readonly verdicts: readonly VerdictRecord[];
}

/**
 * Compares variants problem by problem with one of them.
 *
 * The records go to `comparisons.json` of the (last) directory, or to a file that names the baseline where that is not full precision or
 * comes from another directory.
 *
 * @yields A remark for each variant that is left out because it has not answered every problem.
 * @throws {BitmendError} `verbs/no-records`, `verbs/different-problems` naming the difference, `verbs/no-baseline`.
 */
// oxlint-disable-next-line eslint/require-await -- a verb is an async generator
export async function* compare({ directories, baseline: wanted }: CompareOptions): VerbRun<CompareResult> {
  const evaluations = directories.map((directory) => readEvaluation(resolve(directory)));
  const [first] = evaluations;
  if (first === undefined) {
    throw new BitmendError("verbs/no-records", "compare(): expected a directory of measurements, got none.");
  }
  for (const other of evaluations.slice(1)) refuseOtherProblems(first, other);
  const { problems, recipe } = first;
  const all = gradedVariants(evaluations);
  const finished = all.filter(({ verdicts }) => isWhole(verdicts, problems.length));
  for (const { variant, verdicts } of all.filter((each) => !finished.includes(each))) {
    const answered = new Set(verdicts.map(({ problem }) => problem)).size;
    const text = `${variant.name} is left out: it has answered ${answered} of ${problems.length} problems.`;
    yield { type: "remark", text };
  }
  const baseline = chooseBaseline(finished, wanted);
  const comparisons = finished.map(({ variant, verdicts }) =>
    comparePaired({ variant, problems, baseline: baseline.verdicts, verdicts, seed: recipe.seed }),
  );
  const isUsual = evaluations.length === 1 && variantKind(baseline.variant) === "full";
  const name = isUsual ? "comparisons.json" : `comparisons-with-${fileNamePart(baseline.variant.name)}.json`;
  const file = join(evaluations.at(-1)!.directory, name);
  writeOrExplain(file, `${JSON.stringify(comparisons, null, 1)}\n`);
  return { baseline: baseline.variant.name, comparisons, file };
}

/** Variants of all directories; a name that two directories use is preceded by its directory's. */
function gradedVariants(evaluations: readonly RecordedEvaluation[]): Graded[] {
  const names = evaluations.flatMap(({ variants }) => variants.map(({ name }) => name));
  const isShared = (name: string): boolean => names.filter((each) => each === name).length > 1;
  return evaluations.flatMap(({ directory, variants, verdicts }, index) =>
    variants.map((variant) => {
      const own = verdicts.get(variant.name)!;
      if (!isShared(variant.name)) return { variant, verdicts: own };
      const place =
        basename(directory) === basename(evaluations[1 - index]!.directory) ? directory : basename(directory);
      return { variant: { ...variant, name: `${place}/${variant.name}` }, verdicts: own };
    }),
  );
}

function isWhole(verdicts: readonly VerdictRecord[], problems: number): boolean {
  return new Set(verdicts.map(({ problem }) => problem)).size === problems;
}

function chooseBaseline(graded: readonly Graded[], wanted: string | undefined): Graded {
  const full = graded.filter(({ variant }) => variantKind(variant) === "full");
  const candidates = wanted === undefined ? full : graded.filter(({ variant }) => variant.name === wanted);
  const only = candidates.find(({ variant }) => variant.name === "full") ?? candidates[0];
  if (only !== undefined && (candidates.length === 1 || only.variant.name === "full")) return only;
  const names = graded.map(({ variant }) => variant.name).join(", ") || "none";
  throw new BitmendError(
    "verbs/no-baseline",
    `compare(): expected ${wanted === undefined ? "one variant in full precision" : wanted} among the finished variants, got ${names}.`,
    { hint: "Name the one to compare with: --baseline NAME." },
  );
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
