import { join } from "node:path";
import { expect, test } from "vitest";
import { openCheckpoint } from "../checkpoint/checkpoint.ts";
import { gridOptionsSchema } from "./grid-options.ts";
import { gridOverrideSchema, moduleGrids } from "./grid-overrides.ts";

const { config } = openCheckpoint(join(import.meta.dirname, "../../test/golden/tiny/llama"));
const base = gridOptionsSchema.parse({ bits: 4, groupSize: 8 });

test("worked example: each override changes what the ones before it left", () => {
  const grids = moduleGrids(config, base, [
    { modules: "*.down_proj", bits: 8 },
    { modules: "model.layers.1.*", symmetric: true },
    { modules: "*.0.self_attn.v_proj", keep: true },
  ]);
  expect(grids.size).toBe(7 * config.layerCount);
  expect(grids.get("model.layers.0.self_attn.q_proj")).toEqual(base);
  expect(grids.get("model.layers.0.self_attn.v_proj")).toBeNull();
  expect(grids.get("model.layers.0.mlp.down_proj")).toEqual({ ...base, bits: 8 });
  expect(grids.get("model.layers.1.mlp.down_proj")).toEqual({ ...base, bits: 8, symmetric: true });
});

test("every pattern that fits nothing is named", () => {
  const overrides = [
    { modules: "*.q_proj", bits: 8 },
    { modules: "down_proj", bits: 8 },
    { modules: "lm_head", keep: true },
  ] as const;
  expect(() => moduleGrids(config, base, overrides)).toThrow(
    expect.objectContaining({
      code: "quantization/unknown-module",
      message: expect.stringContaining('"down_proj", "lm_head"'),
    }),
  );
});

test("unknown keys and both at once are refused", () => {
  expect(accepts({ modules: "*", bits: 3, groupSize: -1 })).toBe(true);
  expect(accepts({ modules: "*", keep: true })).toBe(true);
  expect(accepts({ modules: "*", bits: 3, groupsize: 32 })).toBe(false);
  expect(accepts({ modules: "*", bits: 7 })).toBe(false);
  expect(accepts({ modules: "*", keep: true, bits: 3 })).toBe(false);
});

function accepts(value: unknown): boolean {
  return gridOverrideSchema.safeParse(value).success;
}
