import type { Markup } from "../html.ts";
import { count, percent } from "../number-text.ts";
import { box, drawing, text } from "./drawing.ts";

export interface CountRow {
  readonly label: string;
  readonly count: number;
  /** Colour class of the bar. */
  readonly className: string;
}

const width = 380;
const left = 104;
const right = 84;
const rowHeight = 26;

/** Plain bars of counts with their share of the whole. */
export function countBars(rows: readonly CountRow[], { description }: { description: string }): Markup {
  const total = rows.reduce((sum, row) => sum + row.count, 0);
  const most = rows.reduce((sum, row) => Math.max(sum, row.count), 1);
  const content = rows.flatMap((row, index) => {
    const barWidth = (row.count / most) * (width - left - right);
    const y = index * rowHeight;
    return [
      text([left - 8, y + 17], row.label, { anchor: "end" }),
      box([left, y + 4, barWidth, 17], { className: row.className }),
      text(
        [left + barWidth + 6, y + 17],
        `${count(row.count)} (${percent(row.count / Math.max(1, total), 0)} %)`,
        {
          className: "value",
        },
      ),
    ];
  });
  return drawing({ width, height: rows.length * rowHeight + 2, description }, content);
}
