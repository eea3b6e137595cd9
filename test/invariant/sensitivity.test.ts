import { join } from "node:path";
import { expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import type { SensitivityRecord } from "../../src/runs/sensitivity.ts";
import { gridOptionsSchema } from "../../src/quantization/grid-options.ts";
import { modelDivergence } from "../../src/quantization/model-divergence.ts";
import { roundToNearest } from "../../src/quantization/round-to-nearest.ts";
import { measureSensitivity, type SensitivityOptions } from "../../src/quantization/sensitivity.ts";
import { type Granularity, sensitivityUnits } from "../../src/quantization/sensitivity-units.ts";

const source = openCheckpoint(join(import.meta.dirname, "../../test/golden/tiny/qwen3"));
const rounded = roundToNearest(source, gridOptionsSchema.parse({ bits: 4, groupSize: 8 }));
const units = sensitivityUnits(source.config, "half");
const text = [
  { tokenIds: [3, 1, 4, 1, 5], counted: [false, true, true, true, true] },
  { tokenIds: [2, 7], counted: [true, false] },
];

async function measure(changes: Partial<SensitivityOptions> = {}): Promise<SensitivityRecord[]> {
  const options = { units, widths: [2, 4], rounded, roundedBy: "rtn", threads: 1, ...changes } as const;
  return (await Array.fromAsync(measureSensitivity(source, text, options))).flat();
}

test("every unit at every width, in layer order; nothing changed loses nothing", async () => {
  const records = await measure();
  expect(records.map(({ layer, part, bits }) => `${layer} ${part} ${bits}`)).toEqual([
    "0 q k v o 2",
    "0 q k v o 4",
    "0 gate up down 2",
    "0 gate up down 4",
    "1 q k v o 2",
    "1 q k v o 4",
    "1 gate up down 2",
    "1 gate up down 4",
  ]);
  for (const { divergence } of records) expect(divergence).toBeGreaterThan(0);
  const unchanged = await measure({ rounded: (module) => source.readFloat32(`${module}.weight`) });
  for (const { divergence } of unchanged) expect(Math.abs(divergence)).toBeLessThan(1e-12);
});

test("stopped and continued, or with little memory, it finds the same numbers", async () => {
  const whole = await measure();
  const rest = await measure({ known: whole.slice(0, 3), activationBytes: 1 });
  expect([...whole.slice(0, 3), ...rest]).toEqual(whole);
  expect(await measure({ known: whole })).toEqual([]);
});

test("around a model of one width, a unit of that width is no change", async () => {
  const model = {
    config: source.config,
    readFloat32: (name: string) =>
      name.endsWith("_proj.weight") ? rounded(name.slice(0, -".weight".length), 4) : source.readFloat32(name),
  };
  const whole = await modelDivergence(source, model, { sequences: text, threads: 1 });
  const records = await measure({ surroundings: { bits: 4, model } });
  for (const { bits, divergence, surroundingBits } of records) {
    expect(surroundingBits).toBe(4);
    if (bits === 4) expect(divergence).toBeCloseTo(whole, 12);
    else expect(divergence).not.toBeCloseTo(whole, 6);
  }
});

test("text of which nothing counts is refused", async () => {
  const options = { units, widths: [2], rounded, roundedBy: "rtn", threads: 1 } as const;
  const none = [{ tokenIds: [1, 2], counted: [false, false] }];
  await expect(measureSensitivity(source, none, options).next()).rejects.toMatchObject({
    code: "quantization/bad-calibration",
  });
});

test("worked example: units of the four granularities, without kept modules", () => {
  expect(parts("layer")).toEqual(["all"]);
  expect(parts("half")).toEqual(["q k v o", "gate up down"]);
  expect(parts("group", ["model.layers.0.self_attn.o_proj"])).toEqual(["q k v", "gate up", "down"]);
  expect(parts("module")).toEqual(["q", "k", "v", "o", "gate", "up", "down"]);
});

/** The parts of layer 0. */
function parts(granularity: Granularity, kept: string[] = []): string[] {
  return sensitivityUnits(source.config, granularity, { isFixed: (module) => kept.includes(module) })
    .filter(({ layer }) => layer === 0)
    .map(({ part }) => part);
}
