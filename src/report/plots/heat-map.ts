import { html, type Markup } from "../html.ts";
import { coordinate } from "../number-text.ts";
import { drawing, text } from "./drawing.ts";

/** A matrix of shaded cells. */
export interface HeatMap {
  readonly rowLabels: readonly string[];
  readonly columnLabels: readonly string[];
  /** [row][column]; null where there is nothing. */
  readonly cells: readonly (readonly (HeatCell | null)[])[];
  readonly description: string;
  /** Width of the row labels. Default: 40. */
  readonly labelRoom?: number;
}

export interface HeatCell {
  /** 0 (pale) … 1 (strong). */
  readonly shade: number;
  /** Written in the cell where it fits. */
  readonly text: string;
  readonly title: string;
}

const cellHeight = 22;
const top = 18;

/** Draws the cells in `width` units; text appears in cells wide enough for it, and always as a tooltip. */
export function heatMap(
  { rowLabels, columnLabels, cells, description, labelRoom = 40 }: HeatMap,
  { width }: { width: number },
): Markup {
  const cellWidth = (width - labelRoom) / Math.max(1, columnLabels.length);
  const everyColumn = Math.max(1, Math.ceil(18 / cellWidth));
  const content = [
    ...columnLabels.map((label, column) =>
      column % everyColumn === 0
        ? text([labelRoom + (column + 0.5) * cellWidth, 12], label, { className: "tick", anchor: "middle" })
        : html``,
    ),
    ...rowLabels.map((label, row) =>
      text([labelRoom - 6, top + row * cellHeight + 15], label, { className: "tick", anchor: "end" }),
    ),
    ...cells.flatMap((row, rowIndex) =>
      row.map((cell, column) =>
        cell === null
          ? html``
          : drawCell(cell, { x: labelRoom + column * cellWidth, y: top + rowIndex * cellHeight, cellWidth }),
      ),
    ),
  ];
  return drawing({ width, height: top + rowLabels.length * cellHeight + 2, description }, content);
}

function drawCell(cell: HeatCell, { x, y, cellWidth }: { x: number; y: number; cellWidth: number }): Markup {
  const shade = Math.round(100 * Math.min(1, Math.max(0, cell.shade)));
  const fits = cell.text.length * 6.2 + 4 <= cellWidth;
  return html`<g
    ><title>${cell.title}</title
    ><rect
      x="${coordinate(x)}"
      y="${coordinate(y)}"
      width="${coordinate(cellWidth - 1)}"
      height="${cellHeight - 1}"
      class="heat"
      style="--shade:${shade}%"
    />${
      fits
        ? text([x + cellWidth / 2 - 0.5, y + 15], cell.text, { className: "heat-ink", anchor: "middle" })
        : null
    }</g
  >`;
}
