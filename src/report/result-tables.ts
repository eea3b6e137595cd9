/** @file What a run ends with in the terminal: the comparison, the types of failures, and what restoration brought, within 80 columns. */
import { type ComparisonRecord, type ErrorType, errorTypes } from "../runs/records.ts";
import { countErrorTypes } from "../runs/summary.ts";
import { count, percent, points, pValue } from "./number-text.ts";
import type { RunRecords } from "./run-records.ts";
import { type TextColumn, textTable } from "./text-table.ts";
import { inReadingOrder, restorations, variantKind, variantLabels } from "./variant-words.ts";

/** Every variant beside full precision, or beside `baseline`: accuracy, drop, lost and won problems. */
export function comparisonTable({
  comparisons,
  baseline,
}: Pick<RunRecords, "comparisons"> & {
  /** Name of the variant that the records compare with. Default: the one in full precision. */
  readonly baseline?: string;
}): string[] {
  const labels = variantLabels(comparisons.map(({ variant }) => variant));
  const against =
    baseline === undefined ? "full precision" : (labels.get(baseline) ?? baseline).replace(/^Full/u, "full");
  const rows = inReadingOrder(comparisons).map((one) => {
    const isBaseline =
      baseline === undefined ? variantKind(one.variant) === "full" : one.variant.name === baseline;
    return [
      labels.get(one.variant.name) ?? one.variant.name,
      percent(one.accuracy),
      `${percent(one.interval[0])}-${percent(one.interval[1])}`,
      ...(isBaseline
        ? ["-", "-", "-", "-"]
        : [
            ascii(points(one.drop)).replace("+", ""),
            percent(one.relativeDrop),
            count(one.lost.length),
            count(one.won.length),
          ]),
      count(one.degenerate),
      isBaseline ? "-" : pValue(one.mcnemarP),
    ];
  });
  const n = comparisons[0]?.n ?? 0;
  return [
    ...textTable(
      [{ title: "variant", align: "left", shrinks: true }, ...rightAligned(comparisonTitles)],
      rows,
    ),
    `acc = % of ${count(n)} problems solved, with 95 % interval; drop in points, rel in %;`,
    `lost/won against ${against}; deg = degenerate outputs; p = exact McNemar.`,
  ];
}

const comparisonTitles = ["acc", "interval", "drop", "rel", "lost", "won", "deg", "p"];

const shortTypes: Readonly<Record<ErrorType, string>> = {
  "conceptual-misunderstanding": "conc",
  "contextual-oversight": "cont",
  "procedural-error": "proc",
  "formula-rule-error": "form",
  "numerical-computation-error": "arith",
  "symbolic-manipulation-error": "symb",
  "logical-reasoning-error": "logic",
  degenerate: "degen",
};

/** Failing solutions of every variant by the type of their first wrong step. */
export function errorTable({
  comparisons,
  diagnoses,
}: Pick<RunRecords, "diagnoses"> & {
  readonly comparisons: readonly Pick<ComparisonRecord, "variant">[];
}): string[] {
  const labels = variantLabels(comparisons.map(({ variant }) => variant));
  const byVariant = Map.groupBy(diagnoses, ({ variant }) => variant);
  const rows = inReadingOrder(comparisons).map(({ variant }) => {
    const failures = byVariant.get(variant.name) ?? [];
    const counts = countErrorTypes(failures);
    return [
      labels.get(variant.name) ?? variant.name,
      count(failures.length),
      ...errorTypes.map((type) => (counts[type] === 0 ? "." : count(counts[type]))),
    ];
  });
  const titles = ["failed", ...errorTypes.map((type) => shortTypes[type])];
  return [
    ...textTable([{ title: "variant", align: "left", shrinks: true }, ...rightAligned(titles)], rows, {
      gap: " ",
    }),
    "by the first wrong step: conc(eptual), cont(ext), proc(edure), form(ula), arith-",
    "metic, symb(ols), logic, degen(erate: loop, no answer, not text).",
  ];
}

/** What each restoration brought back of what its start had lost; empty without restorations. */
export function restorationTable({ comparisons }: Pick<RunRecords, "comparisons">): string[] {
  const labels = variantLabels(comparisons.map(({ variant }) => variant));
  const rows = restorations(inReadingOrder(comparisons)).map(({ base, restored }) => [
    labels.get(restored.variant.name) ?? restored.variant.name,
    percent(base.accuracy),
    percent(restored.accuracy),
    ascii(points(restored.accuracy - base.accuracy)),
    base.drop > 0 ? `${percent((base.drop - restored.drop) / base.drop, 0)} %` : "-",
    ascii(points(-restored.drop)),
  ]);
  if (rows.length === 0) return [];
  const titles = ["before", "after", "gain", "of the loss", "to full precision"];
  return textTable([{ title: "restored", align: "left", shrinks: true }, ...rightAligned(titles)], rows);
}

function rightAligned(titles: readonly string[]): TextColumn[] {
  return titles.map((title) => ({ title, align: "right" }));
}

/** Terminals without UTF-8 have no minus sign but the hyphen. */
function ascii(text: string): string {
  return text.replace("−", "-");
}
