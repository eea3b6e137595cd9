import type { Markup } from "../html.ts";
import { fixed, percent } from "../number-text.ts";
import type { VariantKind } from "../variant-words.ts";
import { box, drawing, line, text } from "./drawing.ts";

/** One variant's accuracy; fractions of 1. */
export interface AccuracyRow {
  readonly label: string;
  readonly kind: VariantKind;
  readonly accuracy: number;
  readonly interval: readonly [number, number];
  /** True where a little space sets this row apart from the one above. */
  readonly startsGroup: boolean;
}

/** Horizontal bars with 95 % whiskers and full precision as a dashed line; below 600 units of width, labels stand above their bars. */
export function accuracyBars(rows: readonly AccuracyRow[], { width }: { width: number }): Markup {
  const wide = width >= 600;
  const left = wide ? 176 : 2;
  const right = wide ? 142 : 48;
  const top = 22;
  const rowHeight = wide ? 28 : 44;
  const x = (fraction: number): number => left + fraction * (width - left - right);
  const rowTops: number[] = [];
  let y = top;
  for (const [index, row] of rows.entries()) {
    if (row.startsGroup && index > 0) y += 10;
    rowTops.push(y);
    y += rowHeight;
  }
  const bottom = y + 2;
  const full = rows.find(({ kind }) => kind === "full");
  const content = [
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((tick) => [
      line([x(tick), top - 4, x(tick), bottom], "grid"),
      text([x(tick), bottom + 15], tickText(tick), { className: "tick", anchor: tickAnchor(tick, wide) }),
    ]),
    ...(full === undefined ? [] : reference({ full, x, top, bottom })),
    ...rows.flatMap((row, index) => bar(row, { x, wide, width, y: rowTops[index]! })),
  ];
  return drawing({ width, height: bottom + 22, description: describe(rows) }, content);
}

function tickText(fraction: number): string {
  return `${fixed(fraction * 100, 0)}${fraction === 1 ? " %" : ""}`;
}

function tickAnchor(fraction: number, wide: boolean): "start" | "middle" | "end" {
  if (wide) return "middle";
  return fraction === 0 ? "start" : fraction === 1 ? "end" : "middle";
}

interface ReferencePlace {
  readonly full: AccuracyRow;
  readonly x: (fraction: number) => number;
  readonly top: number;
  readonly bottom: number;
}

function reference({ full, x, top, bottom }: ReferencePlace): Markup[] {
  const [low, high] = full.interval;
  return [
    box([x(low), top - 4, x(high) - x(low), bottom - top + 4], { className: "reference-band" }),
    line([x(full.accuracy), top - 4, x(full.accuracy), bottom], "reference"),
    text([x(full.accuracy) + 3, top - 9], `full precision ${percent(full.accuracy)}`, {
      className: "tick",
      anchor: "end",
    }),
  ];
}

interface BarPlace {
  readonly x: (fraction: number) => number;
  readonly y: number;
  readonly wide: boolean;
  readonly width: number;
}

function bar(row: AccuracyRow, { x, y, wide, width }: BarPlace): Markup[] {
  const [low, high] = row.interval;
  const barTop = wide ? y + 6 : y + 20;
  const middle = barTop + 8;
  const labelY = wide ? y + 19 : y + 14;
  const interval = `${percent(low)} to ${percent(high)}`;
  return [
    text([wide ? 0 : 2, labelY], row.label, { className: row.kind === "full" ? "label strong" : "label" }),
    box([x(0), barTop, x(row.accuracy) - x(0), 16], {
      className: `bar ${row.kind}`,
      title: `${row.label}: ${percent(row.accuracy)} %, 95 % interval ${interval}`,
    }),
    line([x(low), middle, x(high), middle], "whisker"),
    line([x(low), middle - 4, x(low), middle + 4], "whisker"),
    line([x(high), middle - 4, x(high), middle + 4], "whisker"),
    ...(wide
      ? [
          text([width - 94, labelY], percent(row.accuracy), { className: "value", anchor: "end" }),
          text([width, labelY], interval, { className: "tick", anchor: "end" }),
        ]
      : [text([width - 6, barTop + 13], percent(row.accuracy), { className: "value", anchor: "end" })]),
  ];
}

function describe(rows: readonly AccuracyRow[]): string {
  const parts = rows.map(({ label, accuracy }) => `${label} ${percent(accuracy)} %`);
  return `Accuracy with 95 % intervals. ${parts.join(", ")}.`;
}
