import { html, type Markup } from "../html.ts";
import { coordinate, fixed } from "../number-text.ts";
import { drawing, line, text, ticks } from "./drawing.ts";

/** A size and what it loses. */
interface TradePoint {
  readonly x: number;
  /** Above 0: the axis is logarithmic. */
  readonly y: number;
}

/** A marked point. */
export interface TradeMark extends TradePoint {
  readonly label: string;
  /** Colour class. */
  readonly className: string;
}

export interface TradeOff {
  /** The best that can be had, by rising size. */
  readonly frontier: readonly TradePoint[];
  readonly marks: readonly TradeMark[];
  readonly xTitle: string;
  readonly description: string;
}

const height = 260;
const frame = { left: 58, right: 96, top: 14, bottom: 36 };

/** A falling curve of loss over size, its loss on a logarithmic axis, with single points beside it. */
export function tradeOff(chart: TradeOff, { width }: { readonly width: number }): Markup {
  const points = [...chart.frontier, ...chart.marks].filter(({ y }) => y > 0 && Number.isFinite(y));
  const [lowX, highX] = extremes(points.map((point) => point.x));
  const [lowY, highY] = extremes(points.map((point) => Math.log10(point.y)));
  const [firstPower, lastPower] = [Math.floor(lowY), Math.ceil(highY)];
  const x = (value: number): number =>
    frame.left + ((value - lowX) / (highX - lowX || 1)) * (width - frame.left - frame.right);
  const y = (value: number): number =>
    height -
    frame.bottom -
    ((Math.log10(value) - firstPower) / (lastPower - firstPower || 1)) * (height - frame.top - frame.bottom);
  const curve = chart.frontier
    .filter((point) => point.y > 0)
    .map((point, index) => `${index === 0 ? "M" : "L"}${coordinate(x(point.x))},${coordinate(y(point.y))}`)
    .join("");
  const powers = Array.from({ length: lastPower - firstPower + 1 }, (_, index) => firstPower + index);
  return drawing({ width, height, description: chart.description }, [
    ...powers.flatMap((power) => [
      line([frame.left, y(10 ** power), width - frame.right, y(10 ** power)], "grid"),
      text([frame.left - 6, y(10 ** power) + 4], powerText(power), { className: "tick", anchor: "end" }),
    ]),
    ...ticks(lowX, highX, 6).map((tick) =>
      text([x(tick), height - frame.bottom + 15], coordinate(tick), { className: "tick", anchor: "middle" }),
    ),
    text([(frame.left + width - frame.right) / 2, height - 4], chart.xTitle, {
      className: "tick",
      anchor: "middle",
    }),
    html`<path d="${curve}" class="curve quantized" />`,
    ...placed(chart.marks.map((mark) => ({ ...mark, x: x(mark.x), y: y(mark.y) }))).map(
      (mark) =>
        html`<circle
            cx="${coordinate(mark.x)}"
            cy="${coordinate(mark.y)}"
            r="4"
            class="dot ${mark.className}"
          />${text([mark.x + 9, mark.labelY], mark.label, { className: "value halo" })}`,
    ),
  ]);
}

/** Leaves out what a logarithmic axis has no place for, and keeps labels of neighbours apart. */
function placed(marks: readonly TradeMark[]): (TradeMark & { readonly labelY: number })[] {
  const shown = marks.filter((mark) => Number.isFinite(mark.y)).toSorted((left, right) => left.y - right.y);
  const result: (TradeMark & { readonly labelY: number })[] = [];
  for (const mark of shown) {
    const above = result.findLast((other) => Math.abs(other.x - mark.x) < labelWidth);
    const labelY = Math.max(mark.y + 4, (above?.labelY ?? Number.NEGATIVE_INFINITY) + lineHeight);
    result.push({ ...mark, labelY });
  }
  return result;
}

const labelWidth = 80;
const lineHeight = 14;

function extremes(values: readonly number[]): [low: number, high: number] {
  return [
    values.reduce((least, value) => Math.min(least, value), values[0] ?? 0),
    values.reduce((most, value) => Math.max(most, value), values[0] ?? 1),
  ];
}

function powerText(power: number): string {
  return power >= -3 && power <= 0 ? fixed(10 ** power, Math.max(0, -power)) : `1e${power}`;
}
