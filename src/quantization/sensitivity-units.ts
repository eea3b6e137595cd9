import type { ModelConfig } from "../checkpoint/model-config.ts";
import { layerSites, linearGroups, type LinearKind } from "../models/linear-sites.ts";

/** Linears that get their width together. */
export interface SensitivityUnit {
  readonly layer: number;
  /** What of the layer it is, e.g. `q k v`. */
  readonly part: string;
  /** Module names. */
  readonly modules: readonly string[];
}

/**
 * How finely widths are chosen. `group` is the finest that engines with fused projections (vLLM) load: q, k, v share a width, and gate, up.
 */
export const granularities = ["layer", "half", "group", "module"] as const;
export type Granularity = (typeof granularities)[number];

const [queryKeyValue, output, gateUp, down] = linearGroups;
const kinds = linearGroups.flat();

const parts: Readonly<Record<Granularity, readonly (readonly LinearKind[])[]>> = {
  layer: [kinds],
  half: [
    [...queryKeyValue!, ...output!],
    [...gateUp!, ...down!],
  ],
  group: linearGroups,
  module: kinds.map((kind) => [kind]),
};

/** The units of a model in execution order; modules whose width is fixed are in none. */
export function sensitivityUnits(
  config: ModelConfig,
  granularity: Granularity,
  { isFixed = () => false }: { readonly isFixed?: (module: string) => boolean } = {},
): SensitivityUnit[] {
  return Array.from({ length: config.layerCount }, (_, layer) => {
    const sites = Object.values(layerSites(config, layer));
    return parts[granularity].map((members): SensitivityUnit => {
      const chosen = sites.filter(({ kind, name }) => members.includes(kind) && !isFixed(name));
      const part = granularity === "layer" ? "all" : chosen.map(({ kind }) => kind).join(" ");
      return { layer, part, modules: chosen.map(({ name }) => name) };
    });
  })
    .flat()
    .filter(({ modules }) => modules.length > 0);
}
