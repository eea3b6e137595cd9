import type { Markup } from "../html.ts";
import { count } from "../number-text.ts";
import { box, drawing, line, text } from "./drawing.ts";

/** Problems lost and won against full precision. */
export interface LostWonRow {
  readonly label: string;
  readonly lost: number;
  readonly won: number;
  readonly startsGroup: boolean;
}

/** Diverging bars on one scale: lost to the left, won to the right of full precision. */
export function lostWonBars(rows: readonly LostWonRow[], { width }: { width: number }): Markup {
  const wide = width >= 600;
  const labelRoom = wide ? 176 : 2;
  const numberRoom = 44;
  const most = {
    lost: Math.max(1, ...rows.map((row) => row.lost)),
    won: Math.max(1, ...rows.map((row) => row.won)),
  };
  const scale = (width - labelRoom - 2 * numberRoom) / (most.lost + most.won);
  const axis = labelRoom + numberRoom + most.lost * scale;
  const rowHeight = wide ? 26 : 40;
  const top = 24;
  const rowTops: number[] = [];
  let y = top;
  for (const [index, row] of rows.entries()) {
    if (row.startsGroup && index > 0) y += 10;
    rowTops.push(y);
    y += rowHeight;
  }
  const content = rows.flatMap((row, index) => {
    const rowTop = rowTops[index]!;
    const barTop = wide ? rowTop + 5 : rowTop + 18;
    return [
      text([wide ? 0 : 2, wide ? rowTop + 18 : rowTop + 13], row.label),
      box([axis - row.lost * scale, barTop, row.lost * scale, 15], {
        className: "bar quantized",
        title: `${row.label}: ${count(row.lost)} lost`,
      }),
      box([axis, barTop, row.won * scale, 15], {
        className: "bar restored",
        title: `${row.label}: ${count(row.won)} won`,
      }),
      text([axis - row.lost * scale - 5, barTop + 12], count(row.lost), {
        className: "value",
        anchor: "end",
      }),
      text([axis + row.won * scale + 5, barTop + 12], count(row.won), { className: "value" }),
    ];
  });
  const description = `Problems lost and won against full precision. ${rows
    .map(({ label, lost, won }) => `${label}: ${count(lost)} lost, ${count(won)} won`)
    .join("; ")}.`;
  return drawing({ width, height: y + 4, description }, [
    text([axis - 8, 14], "← lost", { className: "tick", anchor: "end" }),
    text([axis + 8, 14], "won →", { className: "tick" }),
    line([axis, top - 2, axis, y], "axis"),
    ...content,
  ]);
}
