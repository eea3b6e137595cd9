/** @file What every plot shares: the frame, coordinates, and labels for people who do not see it. */
import { html, type Markup } from "../html.ts";
import { coordinate } from "../number-text.ts";

export interface DrawingFrame {
  readonly width: number;
  readonly height: number;
  /** What the plot says, in one or two sentences, for screen readers. */
  readonly description: string;
  /** True where parts of the plot are links, which `role="img"` would hide. */
  readonly interactive?: boolean;
}

/** An SVG element that scales down with its column and never up. */
export function drawing(frame: DrawingFrame, content: readonly Markup[]): Markup {
  const { width, height, description, interactive = false } = frame;
  return html`<svg
    class="plot"
    viewBox="0 0 ${coordinate(width)} ${coordinate(height)}"
    width="${coordinate(width)}"
    height="${coordinate(height)}"
    role="${interactive ? "group" : "img"}"
    aria-label="${description}"
  >
    ${content}
  </svg>`;
}

export interface BoxStyle {
  readonly className: string;
  readonly title?: string;
}

/** A rectangle; `box` is [x, y, width, height]. */
export function box(
  [x, y, width, height]: readonly [number, number, number, number],
  style: BoxStyle,
): Markup {
  const title = style.title === undefined ? null : html`<title>${style.title}</title>`;
  return html`<rect
    x="${coordinate(x)}"
    y="${coordinate(y)}"
    width="${coordinate(Math.max(0, width))}"
    height="${coordinate(height)}"
    class="${style.className}"
    >${title}</rect
  >`;
}

/** A straight line; `ends` is [x1, y1, x2, y2]. */
export function line(ends: readonly [number, number, number, number], className: string): Markup {
  const [x1, y1, x2, y2] = ends.map(coordinate);
  return html`<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" class="${className}" />`;
}

export interface TextStyle {
  readonly className?: string;
  readonly anchor?: "start" | "middle" | "end";
}

/** Text whose baseline starts, centres or ends at [x, y]. */
export function text([x, y]: readonly [number, number], content: string, style: TextStyle = {}): Markup {
  const { className = "label", anchor = "start" } = style;
  return html`<text
    x="${coordinate(x)}"
    y="${coordinate(y)}"
    class="${className}"
    ${anchor === "start" ? null : html` text-anchor="${anchor}"`}
    >${content}</text
  >`;
}

/** Round axis values from `low` to `high`, about `wanted` of them: steps of 1, 2, 2.5 or 5 times a power of ten. */
export function ticks(low: number, high: number, wanted: number): number[] {
  const rough = (high - low) / Math.max(1, wanted);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => power * factor >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}
