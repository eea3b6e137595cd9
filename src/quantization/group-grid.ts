import { searchClippedGrid } from "./clip-search.ts";
import { spanningGrid, weightRange, type GroupGrid } from "./grid.ts";
import type { GridOptions } from "./grid-options.ts";

/** Chooses the grid of one group of weights as `options` ask. */
export function fitGroupGrid(
  values: Float64Array,
  options: Pick<GridOptions, "bits" | "symmetric" | "range">,
): GroupGrid {
  switch (options.range) {
    case "minmax":
      return spanningGrid(weightRange(values), options);
    case "output": // chosen beforehand where calibration text is there (output-clip.ts)
    case "mse":
      return searchClippedGrid(values, options);
    default:
      return options.range satisfies never;
  }
}
