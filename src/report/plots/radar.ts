import { html, type Markup } from "../html.ts";
import { coordinate, fixed, percent } from "../number-text.ts";
import { drawing, text } from "./drawing.ts";

/** One axis of a radar chart. */
export interface RadarAxis {
  readonly label: string;
  /** Share of the whole, 0 (centre) … 1 (rim). */
  readonly value: number;
}

/** SVG polygon points, first axis at 12 o'clock, clockwise; a share's distance is the square root of it, so that rare types stay visible. */
export function radarPoints(axes: readonly RadarAxis[], radius: number): string {
  return axes
    .map(({ value }, index) => {
      const [x, y] = spoke(index, axes.length);
      const distance = radius * Math.sqrt(value);
      return `${coordinate(x * distance)},${coordinate(y * distance)}`;
    })
    .join(" ");
}

/** Unit vector of axis `index` of `axisCount`. */
function spoke(index: number, axisCount: number): readonly [number, number] {
  const angle = (2 * Math.PI * index) / axisCount;
  return [Math.sin(angle), -Math.cos(angle)];
}

const size = 236;
const radius = 76;
const rings = [0.1, 0.25, 0.5, 1];

/** Shares of a whole on a star of axes, rings at 10, 25, 50 and 100 %. */
export function radar(
  axes: readonly RadarAxis[],
  { className, description }: { className: string; description: string },
): Markup {
  const rim = axes.map(({ label, value }, index) => {
    const [x, y] = spoke(index, axes.length);
    const anchor = Math.abs(x) < 0.2 ? "middle" : x > 0 ? "start" : "end";
    return html`<line
        x1="0"
        y1="0"
        x2="${coordinate(x * radius)}"
        y2="${coordinate(y * radius)}"
        class="grid"
      />${text(
        [x * (radius + 7), y * (radius + 9) + 4],
        value > 0 ? `${label} ${percent(value, 0)}` : label,
        { className: value > 0 ? "tick dark" : "tick", anchor },
      )}`;
  });
  const ringLines = rings.map(
    (share) =>
      html`<circle
          r="${coordinate(radius * Math.sqrt(share))}"
          class="ring"
        />${text([2, -radius * Math.sqrt(share) + 9], share === 1 ? "" : fixed(share * 100, 0), { className: "tick faint" })}`,
  );
  return drawing({ width: size + 64, height: size - 20, description }, [
    html`<g transform="translate(${(size + 64) / 2} ${size / 2 - 10})"
      >${ringLines}${rim}<polygon points="${radarPoints(axes, radius)}" class="radar ${className}"
    /></g>`,
  ]);
}
