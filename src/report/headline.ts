/** @file What a run found, in plain words: one sentence that leads the page, and the few that follow. */
import { type ComparisonRecord, errorTypes } from "../runs/records.ts";
import { countErrorTypes } from "../runs/summary.ts";
import { errorTypeWords } from "./error-type-words.ts";
import { count, fixed, percent, points } from "./number-text.ts";
import type { RunRecords } from "./run-records.ts";
import { fullPrecision, type Restoration, methodNames, restorations, variantKind } from "./variant-words.ts";

/** The headline and the sentences under it. */
export interface Headline {
  readonly title: string;
  readonly sentences: readonly string[];
}

/** A difference counts as shown at this p; the page says so where it uses it. */
const significance = 0.05;

/** Puts the run into words; `labels` names variants by their record names. */
export function headline(run: RunRecords, labels: ReadonlyMap<string, string>): Headline {
  const full = fullPrecision(run.comparisons);
  if (full === undefined)
    return { title: "Nothing to compare: the run has no full-precision measurement.", sentences: [] };
  const name = (comparison: ComparisonRecord): string =>
    labels.get(comparison.variant.name) ?? comparison.variant.name;
  return {
    title: title(run.comparisons),
    sentences: [
      `Full precision solves ${count(full.accuracy * full.n)} of ${count(full.n)} problems (${percent(full.accuracy)} %, 95 % interval ${percent(full.interval[0])} to ${percent(full.interval[1])}). Every variant was given the same problems.`,
      ...lossSentences(run.comparisons, name),
      ...restorationSentences(run.comparisons, name),
      ...failureSentences(run),
    ],
  };
}

function title(comparisons: readonly ComparisonRecord[]): string {
  const best = largestReturn(comparisons);
  if (best !== undefined) {
    const { base, restored } = best;
    return `${gridInWords(base)} lost ${wholePoints(base.drop)} of accuracy. ${restorerInWords(restored)} brought ${wholePoints(gain(best))} back.`;
  }
  const broken = comparisons.filter(
    ({ variant, drop, mcnemarP }) =>
      variantKind(variant) === "quantized" && drop > 0 && mcnemarP < significance,
  );
  const worst = broken.toSorted((left, right) => right.drop - left.drop)[0];
  if (worst === undefined) return `No loss that ${count(comparisons[0]?.n ?? 0)} problems could show.`;
  return `${gridInWords(worst)} lost ${wholePoints(worst.drop)} of accuracy.`;
}

/** The restoration that brought most back, where it brought back anything. */
function largestReturn(comparisons: readonly ComparisonRecord[]): Restoration | undefined {
  return restorations(comparisons)
    .filter((one) => gain(one) > 0 && one.base.drop > 0)
    .toSorted((left, right) => gain(right) - gain(left))[0];
}

function gain({ base, restored }: Restoration): number {
  return restored.accuracy - base.accuracy;
}

function lossSentences(
  comparisons: readonly ComparisonRecord[],
  name: (comparison: ComparisonRecord) => string,
): string[] {
  const quantized = comparisons.filter(({ variant }) => variantKind(variant) === "quantized");
  const same = quantized.filter(({ mcnemarP }) => mcnemarP >= significance);
  const worse = quantized.filter(({ mcnemarP, drop }) => mcnemarP < significance && drop > 0);
  const losses = worse.map((one) => `${name(one)} ${percent(one.drop)}`);
  return [
    ...(same.length === 0
      ? []
      : [
          `The paired test cannot tell ${inList(same.map(name))} from full precision (McNemar p ≥ ${significance}).`,
        ]),
    ...(losses.length === 0 ? [] : [`Points lost: ${inList(losses)}.`]),
  ];
}

/** One sentence for each quantized variant that something was restored from. */
function restorationSentences(
  comparisons: readonly ComparisonRecord[],
  name: (comparison: ComparisonRecord) => string,
): string[] {
  return [...Map.groupBy(restorations(comparisons), ({ base }) => base)].map(([base, group]) => {
    const parts = group
      .toSorted((left, right) => gain(right) - gain(left))
      .map((one) => `${name(one.restored).replace(`${name(base)} + `, "")} ${points(gain(one))}`);
    return `From ${name(base)} (${percent(base.accuracy)} %): ${inList(parts)} points.`;
  });
}

function failureSentences({ diagnoses }: RunRecords): string[] {
  if (diagnoses.length === 0) return [];
  const counts = countErrorTypes(diagnoses);
  const type = errorTypes.reduce((most, one) => (counts[one] > counts[most] ? one : most));
  const failures = counts[type];
  return [
    `The most frequent of ${count(diagnoses.length)} diagnosed failures is ${type.replaceAll("-", " ")} (${percent(failures / diagnoses.length, 0)} %): the first wrong step ${errorTypeWords[type].definition.replace(/ \(.*$/, "")}.`,
  ];
}

const numberWords = new Map([
  [2, "Two-bit"],
  [3, "Three-bit"],
  [4, "Four-bit"],
  [8, "Eight-bit"],
]);

function gridInWords({ variant }: ComparisonRecord): string {
  const bits =
    variant.averageBits === undefined
      ? (numberWords.get(variant.bits ?? 0) ?? "Low-bit")
      : `Mixed ${variant.averageBits}-bit`;
  const method = variant.method === null ? "" : methodNames[variant.method];
  const where = variant.synthetic === true ? " on synthetic outliers" : "";
  return `${bits} ${method}`.trim() + where;
}

function restorerInWords({ variant }: ComparisonRecord): string {
  switch (variant.restoredBy) {
    case "qat":
      return "Distillation";
    case "dpo":
      return "Preference tuning";
    case "sft":
      return "Fine-tuning on its failures";
    case "random":
      return "Fine-tuning on random problems";
    case null:
      return "Nothing";
    default:
      return variant.restoredBy satisfies never;
  }
}

function wholePoints(difference: number): string {
  const value = fixed(difference * 100, difference * 100 < 9.95 ? 1 : 0);
  return `${value} ${value === "1" || value === "1.0" ? "point" : "points"}`;
}

function inList(items: readonly string[]): string {
  return items.length <= 1 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)!}`;
}
