import type { Bits } from "../checkpoint/quantized-matrix.ts";
import { dequantize } from "../checkpoint/dequantize.ts";
import { linearSites } from "../models/linear-sites.ts";
import type { GridOptions } from "./grid-options.ts";
import { quantizeRtn } from "./rtn.ts";
import type { RoundedWeight } from "./sensitivity.ts";
import type { WeightSource } from "./text-forward.ts";

/** The weights of `source` rounded to nearest at any width, on a grid that is otherwise `grid`. */
export function roundToNearest({ config, readFloat32 }: WeightSource, grid: GridOptions): RoundedWeight {
  const sites = new Map(linearSites(config).map((site) => [site.name, site]));
  return (module: string, bits: Bits) => {
    const { outFeatures: rows, inFeatures: columns } = sites.get(module)!;
    const values = readFloat32(`${module}.weight`);
    return dequantize(quantizeRtn({ rows, columns, values }, { ...grid, bits }));
  };
}
