import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkFinite } from "../../src/checkpoint/check-finite.ts";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { expectedTensors } from "../../src/checkpoint/expected-tensors.ts";
import { awqWriter } from "../../src/checkpoint/formats/awq.ts";
import { compressedTensorsWriter } from "../../src/checkpoint/formats/compressed-tensors.ts";
import { gptqWriter } from "../../src/checkpoint/formats/gptq.ts";
import { mlxWriter } from "../../src/checkpoint/formats/mlx.ts";
import type { WeightFormatWriter } from "../../src/checkpoint/formats/weight-format.ts";
import { quantizedModelWriter } from "../../src/checkpoint/quantized-model-writer.ts";
import { linearSites } from "../../src/models/linear-sites.ts";
import { randomMatrix, type RandomGrid } from "../random-model.ts";
import { corruptJson, corruptSafetensors } from "./corrupt.ts";
import { corruptText, damageFile, outcomeOf, type Corrupt } from "./damage-file.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-corrupt-formats-"));
afterAll(() => rmSync(work, { recursive: true }));
const source = openCheckpoint(join(import.meta.dirname, "../../models/pocket-small"));
const grid = { bits: 4, groupSize: 32, symmetric: true } as const;

const plain = (): RandomGrid => grid;

const wholeIntegers = (): RandomGrid => ({
  bits: 8,
  groupSize: null,
  symmetric: true,
  activations: "int8-per-token",
});

/** Every form of compressed-tensors in one model. */
function mixed(module: string): RandomGrid {
  if (module.includes("q_proj")) return wholeIntegers();
  return module.includes("mlp")
    ? { bits: 3, groupSize: 32, symmetric: false }
    : { bits: 8, groupSize: null, symmetric: true };
}

/** The small pocket model with random codes in one format. */
function writeModel(
  directory: string,
  { format, gridOf }: { format: WeightFormatWriter; gridOf: (module: string) => RandomGrid },
): void {
  const sites = linearSites(source.config);
  const schemes = new Map(sites.map(({ name }) => [name, gridOf(name)]));
  const writer = quantizedModelWriter({ source, directory, schemes, identity: "test", format });
  for (const layer of [0, 1]) {
    const own = sites.filter(({ name }) => name.startsWith(`model.layers.${layer}.`));
    writer.writeShard(layer, {
      matrices: new Map(own.map((site) => [site.name, randomMatrix(site, gridOf(site.name), 1)])),
    });
  }
  writer.writeShard(null, { matrices: new Map() });
  writer.finish();
}

function useAll(directory: string): void {
  const checkpoint = openCheckpoint(directory);
  checkFinite(checkpoint);
  for (const name of expectedTensors(checkpoint.config).keys()) checkpoint.readFloat32(name);
}

/** Damages the settings of the quantization, not those of the model. */
const corruptSettings: Corrupt = (content, random) => {
  const config = JSON.parse(new TextDecoder().decode(content)) as Record<string, unknown>;
  const key = "quantization" in config && random.next() < 0.7 ? "quantization" : "quantization_config";
  const damaged: unknown = JSON.parse(corruptJson(JSON.stringify(config[key]), random));
  return new TextEncoder().encode(JSON.stringify({ ...config, [key]: damaged }));
};

const shard = "model-00001-of-00003.safetensors";
const settings = { file: "config.json", corrupt: corruptSettings, count: 1000 };
const weights = { file: shard, corrupt: corruptSafetensors, count: 1000 };
const formats = [
  {
    name: "gptq",
    writer: gptqWriter,
    gridOf: plain,
    targets: [settings, weights, { file: "quantize_config.json", corrupt: corruptText, count: 400 }],
  },
  { name: "awq", writer: awqWriter, gridOf: plain, targets: [settings, weights] },
  { name: "mlx", writer: mlxWriter, gridOf: plain, targets: [settings, weights] },
  {
    name: "mixed compressed-tensors",
    writer: compressedTensorsWriter,
    gridOf: mixed,
    targets: [settings, weights],
  },
  { name: "W8A8", writer: compressedTensorsWriter, gridOf: wholeIntegers, targets: [settings, weights] },
];

describe.each(formats)(
  "corrupted $name models are refused with a BitmendError, or used",
  ({ name, writer, gridOf, targets }) => {
    const directory = join(work, name);
    // Four bits become eight and then, for all weights at once, 32, and pass through a transpose.
    const use = { directory, use: () => useAll(directory), mostTimes: 40 };

    beforeAll(() => {
      writeModel(directory, { format: writer, gridOf });
      if (name !== "gptq") return;
      // Settings that GPTQModel would read are there twice.
      const config = JSON.parse(readFileSync(join(directory, "config.json"), "utf8")) as Record<
        string,
        unknown
      >;
      const dynamic = { "+:.*down": { bits: 4 }, [String.raw`-:model\.layers\.7\.`]: {} };
      const block = { ...(config["quantization_config"] as Record<string, unknown>), dynamic };
      writeFileSync(
        join(directory, "config.json"),
        JSON.stringify({ ...config, quantization_config: block }),
      );
      writeFileSync(join(directory, "quantize_config.json"), JSON.stringify(block));
    });

    it("uses the files as they are", () => {
      expect(outcomeOf(use)).toBe("fine");
    });

    it.each(targets)("$count times $file", ({ file, corrupt, count }) => {
      const { refused, unexpected } = damageFile(file, { ...use, corrupt, count });
      expect(unexpected).toEqual([]);
      // Flips inside codes and changes of comments leave a sound model; other damage must be noticed.
      expect(refused).toBeGreaterThan(count / 8);
    });
  },
);
