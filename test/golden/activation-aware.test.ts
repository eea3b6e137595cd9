import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { searchAwqScales } from "../../src/quantization/awq-scales.ts";
import { gridOptionsSchema } from "../../src/quantization/grid-options.ts";
import type { Matrix } from "../../src/quantization/matrix.ts";
import { searchOutputGrids } from "../../src/quantization/output-clip.ts";
import { smoothQuantScales } from "../../src/quantization/smoothquant-scales.ts";
import { groupEnergies, rowEnergy } from "../float64-energies.ts";

interface Golden {
  readonly source: string;
  readonly meanAbsolute: readonly number[];
  readonly maxAbsolute: readonly number[];
  readonly gram: string;
  readonly readers: readonly { rows: number; values: string }[];
  readonly cases: readonly {
    bits: number;
    groupSize: number;
    symmetric: boolean;
    channels: number[];
    awq: { scales: number[]; loss: number; plainLoss: number };
    clip: { scales: string; zeroPoints: string };
  }[];
  readonly smoothing: readonly { channels: number[]; alpha: number; scales: number[] }[];
}

const golden = JSON.parse(readFileSync(new URL("activation-aware.json", import.meta.url), "utf8")) as Golden;
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"));
const floats = (text: string): Float32Array => new Float32Array(bytes(text).buffer);
const columns = golden.meanAbsolute.length;
const gram: Matrix = { rows: columns, columns, values: floats(golden.gram) };
const weights = golden.readers.map(({ rows, values }): Matrix => ({ rows, columns, values: floats(values) }));

describe(`searches agree with ${golden.source}`, () => {
  test.each(golden.cases)(
    "AWQ, $bits bits, group $groupSize, symmetric $symmetric",
    async ({ channels, awq, clip, ...settings }) => {
      const grid = gridOptionsSchema.parse(settings);
      const found = await searchAwqScales(
        {
          readers: weights.map((weight) => ({ weight, grid })),
          inputs: { meanAbsolute: Float64Array.from(golden.meanAbsolute), gram },
          channels: Uint32Array.from(channels),
          storable: (scales) => ({ scales, divided: null }),
          energy: rowEnergy,
        },
        20,
      );
      expect(found.scales).toBeAllClose(awq.scales, { relative: 1e-12 });
      expect(found.loss).toBeCloseTo(awq.loss, 6);
      expect(found.plainLoss).toBeCloseTo(awq.plainLoss, 6);
      const grids = await searchOutputGrids(weights[0]!, grid, { gram, groupEnergies });
      expect(grids.scales).toEqual(floats(clip.scales));
      expect(grids.zeroPoints).toEqual(bytes(clip.zeroPoints));
    },
  );

  test.each(golden.smoothing)("SmoothQuant, alpha $alpha", ({ channels, alpha, scales }) => {
    const found = smoothQuantScales(weights, {
      maxAbsolute: Float32Array.from(golden.maxAbsolute),
      channels: Uint32Array.from(channels),
      alpha,
    });
    expect(found).toBeAllClose(scales, { relative: 1e-12 });
  });
});
