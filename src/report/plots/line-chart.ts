import { html, type Markup } from "../html.ts";
import { coordinate } from "../number-text.ts";
import { drawing, line, text, ticks } from "./drawing.ts";

export interface LinePoint {
  readonly x: number;
  readonly y: number;
}

export interface LineChart {
  readonly points: readonly LinePoint[];
  /** Drawn faintly behind: the points before smoothing. */
  readonly background?: readonly LinePoint[];
  readonly xTitle: string;
  readonly formatY: (value: number) => string;
  readonly description: string;
  /** Colour class of the line. */
  readonly className: string;
}

const width = 320;
const height = 168;
const frame = { left: 42, right: 12, top: 10, bottom: 34 };

/** One curve over optimizer steps, its last value written at its end. */
export function lineChart(chart: LineChart): Markup {
  const all = [...chart.points, ...(chart.background ?? [])].filter(({ y }) => Number.isFinite(y));
  const highX = all.reduce((most, { x }) => Math.max(most, x), 1);
  const lowY = all.reduce((least, { y }) => Math.min(least, y), 0);
  const highY = all.reduce((most, { y }) => Math.max(most, y), lowY + 1e-9) * 1.02;
  const x = (value: number): number => frame.left + (value / highX) * (width - frame.left - frame.right);
  const y = (value: number): number =>
    height - frame.bottom - ((value - lowY) / (highY - lowY)) * (height - frame.top - frame.bottom);
  const path = (points: readonly LinePoint[]): string =>
    points
      .filter((point) => Number.isFinite(point.y))
      .map((point, index) => `${index === 0 ? "M" : "L"}${coordinate(x(point.x))},${coordinate(y(point.y))}`)
      .join("");
  const last = chart.points.at(-1);
  return drawing({ width, height, description: chart.description }, [
    ...ticks(lowY, highY, 4).flatMap((tick) => [
      line([frame.left, y(tick), width - frame.right, y(tick)], "grid"),
      text([frame.left - 6, y(tick) + 4], chart.formatY(tick), { className: "tick", anchor: "end" }),
    ]),
    ...ticks(0, highX, 4).map((tick) =>
      text([x(tick), height - frame.bottom + 15], String(tick), { className: "tick", anchor: "middle" }),
    ),
    text([(frame.left + width - frame.right) / 2, height - 4], chart.xTitle, {
      className: "tick",
      anchor: "middle",
    }),
    chart.background === undefined
      ? html``
      : html`<path d="${path(chart.background)}" class="curve faint ${chart.className}" />`,
    html`<path d="${path(chart.points)}" class="curve ${chart.className}" />`,
    last === undefined
      ? html``
      : html`<circle
            cx="${coordinate(x(last.x))}"
            cy="${coordinate(y(last.y))}"
            r="3"
            class="dot ${chart.className}"
          />${text([x(last.x) - 2, y(last.y) - 8], chart.formatY(last.y), { className: "value halo", anchor: "end" })}`,
  ]);
}
