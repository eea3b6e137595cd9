/** @file What `compare` says in a terminal of 80 columns: runs beside a baseline, then what one of them lost and won, and how its texts differ. */
import type { FlipGroup, OutputShape, PairedResult, RunComparison } from "../runs/run-comparison.ts";
import { count, fixed, percent, points, pValue } from "./number-text.ts";
import { type TextColumn, textTable } from "./text-table.ts";

/** Every run beside the baseline, which comes first. */
export function runTable(runs: readonly RunComparison[]): string[] {
  const several = runs.length > 2;
  const titles = [
    "score",
    "interval",
    "drop",
    "interval",
    "lost",
    "won",
    "p",
    ...(several ? ["Holm p"] : []),
  ];
  const rows = runs.map(({ name, summary, paired }) => [
    name,
    percent(summary.score),
    range(summary.interval),
    ...(paired === null
      ? titles.slice(2).map(() => "-")
      : [
          signed(paired.drop),
          range(paired.dropInterval),
          count(paired.lost.length),
          count(paired.won.length),
          pValue(paired.p),
          ...(several ? [pValue(paired.holmP)] : []),
        ]),
  ]);
  const [baseline] = runs;
  return [
    ...textTable([{ title: "run", align: "left", shrinks: true }, ...titles.map(right)], rows),
    ...(baseline === undefined ? [] : legend(baseline, runs)),
  ];
}

function legend({ name, summary }: RunComparison, runs: readonly RunComparison[]): string[] {
  const counts = runs.map((run) => run.summary.samples);
  const isSampled = Math.max(...counts) > 1;
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const samples = isSampled ? `, ${least === most ? most : `${least} to ${most}`} samples each` : "";
  const tests = new Set(runs.flatMap(({ paired }) => (paired === null ? [] : [testNames[paired.test]])));
  return folded(
    `score: % of ${count(summary.problems)} problems${samples}, with 95 % interval; drop in points against ${name}; ` +
      `lost/won: problems solved${isSampled ? " by most samples" : ""} before and not now, and the reverse; ` +
      `p: ${[...tests].join(", ") || "none"}.`,
  );
}

const testNames: Readonly<Record<PairedResult["test"], string>> = {
  "mcnemar-exact": "exact McNemar",
  "permutation-exact": "paired permutation, exact",
  "permutation-drawn": "paired permutation, drawn",
};

/** pass@k and maj@k of every run; empty where problems have one sample. */
export function sampleTable(runs: readonly RunComparison[]): string[] {
  const ks = [...new Set(runs.flatMap(({ summary }) => summary.passAtK.map(([k]) => k)))].toSorted(
    (a, b) => a - b,
  );
  if (ks.length < 2) return [];
  const rows = runs.flatMap(({ name, summary }) => [
    [name, "pass@k", ...ks.map((k) => cell(summary.passAtK, k))],
    ["", "maj@k", ...ks.map((k) => cell(summary.majorityAtK, k))],
  ]);
  return textTable(
    [
      { title: "run", align: "left", shrinks: true },
      { title: "", align: "left" },
      ...ks.map((k) => right(`k=${k}`)),
    ],
    rows,
  );
}

function cell(pairs: RunComparison["summary"]["passAtK"], wanted: number): string {
  const share = pairs.find(([k]) => k === wanted)?.[1];
  return share === undefined ? "-" : percent(share);
}

/** What a comparison of this size can find, a line a run. */
export function powerLines(runs: readonly RunComparison[]): string[] {
  return runs.flatMap(({ name, summary, paired }) => {
    if (paired === null) return [];
    const { difference, problems, samples, found } = paired.power;
    const fewer = samples === null ? "" : `, or ${count(samples)} samples of each of these`;
    return folded(
      `${name}: finding ${fixed(difference * 100, 1)} points (80 % power, level 5 %) takes ${count(problems)} problems${fewer}; ` +
        `these ${count(summary.problems)} find ${percent(found)} points.`,
    );
  });
}

/** Everything about one run against the baseline: problems, subjects, levels, texts. */
export function detailLines(baseline: RunComparison, run: RunComparison): string[] {
  const { paired } = run;
  if (paired === null) return [];
  return [
    ...folded(`lost: ${idList(paired.lost)}`),
    ...folded(`won: ${idList(paired.won)}`),
    ...groupTable("subject", paired.bySubject),
    ...groupTable("level", paired.byLevel),
    ...agreementLines(paired),
    ...shapeTable([baseline, run]),
    ...sensitivityTable([baseline, run]),
  ];
}

const shownIds = 12;

function idList(ids: readonly string[]): string {
  if (ids.length === 0) return "none";
  const rest = ids.length > shownIds ? `, and ${count(ids.length - shownIds)} more` : "";
  return ids.slice(0, shownIds).join(", ") + rest;
}

function groupTable(title: string, groups: readonly FlipGroup[]): string[] {
  if (groups.length === 0) return [];
  const rows = groups.map(({ name, n, solvedBefore, solvedAfter, lost, won }) => [
    name,
    count(n),
    percent(solvedBefore / n),
    percent(solvedAfter / n),
    count(lost),
    count(won),
  ]);
  const titles = ["n", "before", "after", "lost", "won"];
  return ["", ...textTable([{ title, align: "left", shrinks: true }, ...titles.map(right)], rows)];
}

function agreementLines({ agreement }: PairedResult): string[] {
  if (agreement === null) return [];
  const { unit, pairs, identical, medianFirstDifference: first, medianSharedPart: part } = agreement;
  const rest =
    first === null || part === null
      ? ""
      : `; the others part after ${count(first)} ${unit} (median), ${percent(part, 0)} % of the longer text`;
  return ["", ...folded(`Texts: ${count(identical)} of ${count(pairs)} are equal${rest}.`)];
}

function shapeTable(runs: readonly RunComparison[]): string[] {
  const described = runs.filter(({ shape }) => shape.lengths !== null);
  if (described.length === 0) return [];
  const rows = described.map(({ name, shape }) => [name, ...shapeCells(shape)]);
  const titles = ["unit", "mean", "median", "90 %", "longest", "truncated", "thinking", "abrupt"];
  return [
    "",
    ...textTable([{ title: "run", align: "left", shrinks: true }, ...titles.map(right)], rows),
    ...folded(
      "lengths in their unit; truncated: % ended by the token limit, as the log says; thinking: % ended by it inside their thoughts; abrupt: % that end mid-sentence.",
    ),
  ];
}

function shapeCells({ unit, lengths, truncated, thoughtsTruncated, abrupt }: OutputShape): string[] {
  const numbers = lengths === null ? [] : [lengths.mean, lengths.median, lengths.p90, lengths.longest];
  const shares = [truncated, thoughtsTruncated, abrupt];
  return [unit, ...numbers.map(count), ...shares.map((share) => (share === null ? "?" : percent(share)))];
}

function sensitivityTable(runs: readonly RunComparison[]): string[] {
  const described = runs.filter(({ shape }) => shape.degenerate.length > 0);
  const [first] = described;
  if (first === undefined) return [];
  const rows = first.shape.degenerate.map(({ variation }, index) => [
    variation ?? "as defined",
    ...described.flatMap(({ shape }) => {
      const { share, loop } = shape.degenerate[index]!;
      return [percent(share), percent(loop)];
    }),
  ]);
  const titles = described.flatMap((_, index) => (index === 0 ? ["before", "loops"] : ["after", "loops"]));
  return [
    "",
    ...textTable(
      [{ title: "degenerate, % of texts", align: "left", shrinks: true }, ...titles.map(right)],
      rows,
    ),
  ];
}

function range([low, high]: readonly [number, number]): string {
  return low < 0 ? `${bound(low)} to ${bound(high)}` : `${bound(low)}-${bound(high)}`;
}

function bound(value: number): string {
  return Number.isFinite(value) ? percent(value) : "?";
}

/** A drop in points: a gain has a hyphen for a minus, which every terminal has. */
function signed(drop: number): string {
  return points(drop).replace("−", "-").replace("+", "");
}

function right(title: string): TextColumn {
  return { title, align: "right" };
}

/** `text` in lines of at most 80 columns, cut between words. */
function folded(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > 80) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
