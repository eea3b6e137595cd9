import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigReader } from "./config-reader.ts";
import { parseRopeConfig, type RopeConfig } from "./rope-config.ts";
import { inverseFrequencies, ropeTables } from "./rope.ts";

const goldenPath = join(import.meta.dirname, "../../../shared/data/golden/rope-inv-freq.json");
const scaled = z.looseObject({ inv_freq: z.array(z.number()) });
const goldenSchema = z.object({
  default: z.array(z.number()),
  dynamic: scaled,
  yarn: scaled,
  llama3: scaled,
});

function parse(parameters: Record<string, unknown>): RopeConfig {
  return parseRopeConfig(new ConfigReader({ rope_scaling: parameters }), { maxPositions: 2048 });
}

describe.skipIf(!existsSync(goldenPath))(
  "the frequencies of transformers' own tests (needs ../shared/data)",
  () => {
    const golden = existsSync(goldenPath)
      ? goldenSchema.parse(JSON.parse(readFileSync(goldenPath, "utf8")))
      : null;

    it.each([
      { name: "default", rope: {}, expected: golden?.default },
      { name: "dynamic", rope: { rope_type: "dynamic", factor: 10 }, expected: golden?.dynamic.inv_freq },
      { name: "yarn", rope: { type: "yarn", factor: 10 }, expected: golden?.yarn.inv_freq },
      {
        name: "llama3",
        rope: { rope_type: "llama3", factor: 10, low_freq_factor: 1, high_freq_factor: 4 },
        expected: golden?.llama3.inv_freq,
      },
    ])("$name", ({ rope, expected }) => {
      const got = inverseFrequencies(parse(rope), { headDimension: 128, positions: 16_384 });
      // The golden values have five significant digits.
      const rounded = [...got].map((frequency) => Number(frequency.toPrecision(5)));
      expect(rounded.length).toBe(expected?.length);
      for (const [pair, frequency] of rounded.entries()) {
        expect(Math.abs(frequency - expected![pair]!)).toBeLessThanOrEqual(1.01e-5 * frequency);
      }
    });
  },
);

describe("ropeTables", () => {
  it("turns pair i by position · theta^(-2i/d) (worked example)", () => {
    const { cos, sin } = ropeTables({ type: "default", theta: 100 }, { headDimension: 4, positions: 3 });
    expect(cos).toBeAllClose([1, 1, Math.cos(1), Math.cos(0.1), Math.cos(2), Math.cos(0.2)]);
    expect(sin).toBeAllClose([0, 0, Math.sin(1), Math.sin(0.1), Math.sin(2), Math.sin(0.2)]);
  });

  it("divides by the factor when linear, and scales YaRN by 0.1 ln(factor) + 1", () => {
    const linear = ropeTables(parse({ type: "linear", factor: 2 }), { headDimension: 2, positions: 2 });
    expect(linear.cos).toBeAllClose([1, Math.cos(0.5)]);
    const yarn = ropeTables(parse({ type: "yarn", factor: 10 }), { headDimension: 2, positions: 1 });
    expect(yarn.cos).toBeAllClose([0.1 * Math.log(10) + 1]);
    const given = parse({ type: "yarn", factor: 10, attention_factor: 0.5 });
    expect(ropeTables(given, { headDimension: 2, positions: 1 }).cos).toBeAllClose([0.5]);
  });

  it("scales dynamically only beyond the original length", () => {
    const rope = parse({ type: "dynamic", factor: 4 });
    const at = (positions: number): Float32Array => inverseFrequencies(rope, { headDimension: 8, positions });
    expect(at(2048)).toEqual(inverseFrequencies(parse({}), { headDimension: 8, positions: 1 }));
    expect(at(4096)[3]).toBeLessThan(at(2048)[3]!);
  });
});
