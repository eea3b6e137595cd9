import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkFinite } from "../../src/checkpoint/check-finite.ts";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { expectedTensors } from "../../src/checkpoint/expected-tensors.ts";
import { awqWriter } from "../../src/checkpoint/formats/awq.ts";
import { gptqWriter } from "../../src/checkpoint/formats/gptq.ts";
import { mlxWriter } from "../../src/checkpoint/formats/mlx.ts";
import type { WeightFormatWriter } from "../../src/checkpoint/formats/weight-format.ts";
import { quantizedModelWriter } from "../../src/checkpoint/quantized-model-writer.ts";
import { linearSites } from "../../src/models/linear-sites.ts";
import { BitmendError } from "../../src/util/errors.ts";
import { randomStream, type RandomStream } from "../../src/util/random.ts";
import { randomMatrix } from "../random-model.ts";
import { corruptBytes, corruptJson, corruptSafetensors } from "./corrupt.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-corrupt-formats-"));
afterAll(() => rmSync(work, { recursive: true }));
const source = openCheckpoint(join(import.meta.dirname, "../../models/pocket-small"));
const grid = { bits: 4, groupSize: 32, symmetric: true } as const;

/** The small pocket model with random codes in one format. */
function writeModel(directory: string, format: WeightFormatWriter): void {
  const sites = linearSites(source.config);
  const schemes = new Map(sites.map(({ name }) => [name, grid]));
  const writer = quantizedModelWriter({ source, directory, schemes, identity: "test", format });
  for (const layer of [0, 1]) {
    const own = sites.filter(({ name }) => name.startsWith(`model.layers.${layer}.`));
    writer.writeShard(layer, {
      matrices: new Map(own.map((site) => [site.name, randomMatrix(site, grid, 1)])),
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

/** "fine", "refused", or what went wrong. */
function outcome(directory: string): string {
  const before = process.memoryUsage().arrayBuffers;
  const started = performance.now();
  let result = "fine";
  try {
    useAll(directory);
  } catch (error) {
    result = error instanceof BitmendError ? "refused" : `not a BitmendError: ${String(error)}`;
  }
  // Its weights are 800 kB as float32; the rest of the run may be collected late.
  const allocated = process.memoryUsage().arrayBuffers - before;
  if (allocated > 20_000_000) return `${result}, but ${allocated} bytes allocated`;
  const milliseconds = performance.now() - started;
  return milliseconds > 2000 ? `${result}, but after ${milliseconds} ms` : result;
}

type Corrupt = (content: Uint8Array, random: RandomStream) => Uint8Array;

/** Damages the settings of the quantization, not those of the model. */
const corruptSettings: Corrupt = (content, random) => {
  const config = JSON.parse(new TextDecoder().decode(content)) as Record<string, unknown>;
  const key = "quantization" in config && random.next() < 0.7 ? "quantization" : "quantization_config";
  const damaged: unknown = JSON.parse(corruptJson(JSON.stringify(config[key]), random));
  return new TextEncoder().encode(JSON.stringify({ ...config, [key]: damaged }));
};

const corruptText: Corrupt = (content, random) =>
  random.next() < 0.2
    ? corruptBytes(content, random)
    : new TextEncoder().encode(corruptJson(new TextDecoder().decode(content), random));

const shard = "model-00001-of-00003.safetensors";
const settings = { file: "config.json", corrupt: corruptSettings, count: 1000 };
const weights = { file: shard, corrupt: corruptSafetensors, count: 1000 };
const formats = [
  {
    name: "gptq",
    writer: gptqWriter,
    targets: [settings, weights, { file: "quantize_config.json", corrupt: corruptText, count: 400 }],
  },
  { name: "awq", writer: awqWriter, targets: [settings, weights] },
  { name: "mlx", writer: mlxWriter, targets: [settings, weights] },
];

describe.each(formats)(
  "corrupted $name models are refused with a BitmendError, or used",
  ({ name, writer, targets }) => {
    const directory = join(work, name);

    beforeAll(() => {
      writeModel(directory, writer);
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
      expect(outcome(directory)).toBe("fine");
    });

    it.each(targets)("$count times $file", ({ file, corrupt, count }) => {
      const path = join(directory, file);
      const original = new Uint8Array(readFileSync(path));
      const unexpected: string[] = [];
      let refused = 0;
      for (let number = 0; number < count; number++) {
        writeFileSync(path, corrupt(original, randomStream("corrupt", name, file, number)));
        const result = outcome(directory);
        if (result === "refused") refused += 1;
        else if (result !== "fine") unexpected.push(`${number}: ${result}`);
      }
      writeFileSync(path, original);
      expect(unexpected).toEqual([]);
      // Flips inside codes and changes of comments leave a sound model; other damage must be noticed.
      expect(refused).toBeGreaterThan(count / 8);
    });
  },
);
