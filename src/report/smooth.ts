import type { LinePoint } from "./plots/line-chart.ts";

/** The mean of each point and the up to `window` points before it. */
export function smooth(points: readonly LinePoint[], window: number): LinePoint[] {
  let sum = 0;
  return points.map(({ x, y }, index) => {
    sum += y;
    if (index > window) sum -= points[index - window - 1]!.y;
    return { x, y: sum / Math.min(index + 1, window + 1) };
  });
}

/** At most about `most` of the points, evenly taken, always with the first and the last. */
export function thin(points: readonly LinePoint[], most: number): LinePoint[] {
  if (points.length <= most) return [...points];
  const step = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => points[Math.round(index * step)]!);
}
