import { z } from "zod";
import { linearSites } from "../models/linear-sites.ts";
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { BitmendError } from "../util/errors.ts";
import { gridOptionsSchema, type GridOptions } from "./grid-options.ts";
import { matchesPattern } from "./module-pattern.ts";

/** Another grid for some modules, or none. */
export type GridOverride =
  | ({
      /** A module's name; `*` stands for any characters. */
      readonly modules: string;
    } & { readonly [Key in keyof GridOptions]?: GridOptions[Key] | undefined })
  | {
      readonly modules: string;
      /** These stay in full precision. */
      readonly keep: true;
    };

const { bits, groupSize, symmetric, range } = gridOptionsSchema.shape;

const modules = z.string().min(1).max(500);

/** Rejects unknown keys; what an override does not name is as the recipe has it. */
export const gridOverrideSchema = z.union([
  z.strictObject({ modules, keep: z.literal(true) }),
  z.strictObject({
    modules,
    bits: bits.optional(),
    groupSize: groupSize.unwrap().optional(),
    symmetric: symmetric.unwrap().optional(),
    range: range.unwrap().optional(),
  }),
]) satisfies z.ZodType<GridOverride>;

/**
 * The grid of every linear of the decoder layers, by module name in execution order; null for those that stay in full precision.
 *
 * Where several overrides fit a module, each changes what the one before it left.
 *
 * @throws {BitmendError} `quantization/unknown-module` with every pattern that fits no module.
 */
export function moduleGrids(
  config: ModelConfig,
  base: GridOptions,
  overrides: readonly GridOverride[],
): Map<string, GridOptions | null> {
  const names = linearSites(config).map(({ name }) => name);
  refuseUnknown(names, overrides);
  return new Map(
    names.map((name) => {
      let grid: GridOptions | null = base;
      for (const override of overrides) {
        if (matchesPattern(name, override.modules)) grid = overridden(grid ?? base, override);
      }
      return [name, grid];
    }),
  );
}

function overridden(grid: GridOptions, override: GridOverride): GridOptions | null {
  if ("keep" in override) return null;
  return {
    ...grid,
    bits: override.bits ?? grid.bits,
    groupSize: override.groupSize ?? grid.groupSize,
    symmetric: override.symmetric ?? grid.symmetric,
    range: override.range ?? grid.range,
  };
}

function refuseUnknown(names: readonly string[], overrides: readonly GridOverride[]): void {
  const unknown = overrides
    .map((override) => override.modules)
    .filter((pattern) => !names.some((name) => matchesPattern(name, pattern)));
  if (unknown.length === 0) return;
  const shown = unknown.slice(0, 20).map((pattern) => JSON.stringify(pattern.slice(0, 100)));
  throw new BitmendError(
    "quantization/unknown-module",
    `moduleGrids(): expected patterns that fit a linear of the decoder layers, got ${shown.join(", ")}.`,
    { hint: `Modules are named like ${names.slice(0, 7).join(", ")}; * stands for any characters.` },
  );
}
