import { type ErrorType, errorTypes } from "../../runs/records.ts";
import { errorTypeWords } from "../error-type-words.ts";
import { html, type Markup } from "../html.ts";
import { count, percent } from "../number-text.ts";
import { box, drawing, text } from "./drawing.ts";

/** Failures of one variant by type. */
export interface ErrorTypeRow {
  readonly label: string;
  /** Where a click on a segment leads, by type; absent for no link. */
  readonly linkTo?: (type: ErrorType) => string;
  readonly counts: Readonly<Record<ErrorType, number>>;
}

/** Bars of failures, stacked by the type of the first wrong step in the order of the rubric; a segment wide enough names its type. */
export function errorTypeBars(rows: readonly ErrorTypeRow[], { width }: { width: number }): Markup {
  const wide = width >= 600;
  const left = wide ? 176 : 2;
  const right = 52;
  const totals = rows.map(({ counts }) => errorTypes.reduce((sum, type) => sum + counts[type], 0));
  const scale = (width - left - right) / Math.max(1, ...totals);
  const rowHeight = wide ? 30 : 46;
  const content = rows.flatMap((row, index) => {
    const rowTop = index * rowHeight;
    const barTop = wide ? rowTop + 4 : rowTop + 20;
    const total = totals[index]!;
    return [
      text([wide ? 0 : 2, wide ? rowTop + 20 : rowTop + 14], row.label),
      ...segments(row, { left, barTop, scale, total }),
      text([left + total * scale + 6, barTop + 15], count(total), { className: "value" }),
    ];
  });
  const description = `Failures by type of the first wrong step. ${rows.map((row, index) => describe(row, totals[index]!)).join(" ")}`;
  return drawing({ width, height: rows.length * rowHeight + 4, description, interactive: true }, content);
}

interface Place {
  readonly left: number;
  readonly barTop: number;
  readonly scale: number;
  readonly total: number;
}

function segments(row: ErrorTypeRow, { left, barTop, scale, total }: Place): Markup[] {
  let x = left;
  return errorTypes.flatMap((type) => {
    const failures = row.counts[type];
    if (failures === 0) return [];
    const segmentWidth = failures * scale;
    const { short } = errorTypeWords[type];
    const title = `${row.label}: ${count(failures)} ${type} (${percent(failures / total, 0)} % of its failures)`;
    // Thin separators keep neighbours apart where their colours are close.
    const rectangle = box([x, barTop, Math.max(0.5, segmentWidth - 1), 21], {
      className: `type ${type}`,
      title,
    });
    const name =
      segmentWidth > short.length * 6.6 + 8
        ? text([x + segmentWidth / 2, barTop + 15], short, { className: `on-type ${type}`, anchor: "middle" })
        : null;
    x += segmentWidth;
    if (row.linkTo === undefined) return [html`${rectangle}${name}`];
    return [html`<a href="${row.linkTo(type)}" aria-label="${title}">${rectangle}${name}</a>`];
  });
}

function describe({ label, counts }: ErrorTypeRow, total: number): string {
  const parts = errorTypes.flatMap((type) => (counts[type] === 0 ? [] : [`${type} ${count(counts[type])}`]));
  return `${label}: ${count(total)} failures${parts.length === 0 ? "" : ` (${parts.join(", ")})`}.`;
}
