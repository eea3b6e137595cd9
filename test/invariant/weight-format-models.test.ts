import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { dequantize } from "../../src/checkpoint/dequantize.ts";
import { expectedTensors } from "../../src/checkpoint/expected-tensors.ts";
import { awqWriter } from "../../src/checkpoint/formats/awq.ts";
import { compressedTensorsWriter } from "../../src/checkpoint/formats/compressed-tensors.ts";
import { gptqV2Writer, gptqWriter } from "../../src/checkpoint/formats/gptq.ts";
import { mlxWriter } from "../../src/checkpoint/formats/mlx.ts";
import type { WeightFormatWriter } from "../../src/checkpoint/formats/weight-format.ts";
import type { QuantizedMatrix } from "../../src/checkpoint/quantized-matrix.ts";
import { quantizedModelWriter } from "../../src/checkpoint/quantized-model-writer.ts";
import { randomMatrix, type RandomGrid } from "../random-model.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-formats-"));
afterAll(() => rmSync(work, { recursive: true }));

const source = openCheckpoint(join(import.meta.dirname, "../../models/pocket-small"));
const shapes = expectedTensors(source.config);

/** Writes the model with random codes in all modules that have a grid; gives these. */
function writeModel(
  directory: string,
  writer: WeightFormatWriter,
  gridOf: (module: string) => RandomGrid | null,
): Map<string, QuantizedMatrix> {
  const matrices = new Map<string, QuantizedMatrix>();
  const schemes = new Map<string, RandomGrid>();
  for (const [name, [outFeatures, inFeatures]] of shapes) {
    const module = name.replace(/\.weight$/u, "");
    const grid = gridOf(module);
    if (outFeatures === undefined || inFeatures === undefined || grid === null) continue;
    schemes.set(module, grid);
    matrices.set(module, randomMatrix({ name: module, outFeatures, inFeatures }, grid, 1));
  }
  const model = quantizedModelWriter({ source, directory, schemes, identity: "test", format: writer });
  for (const layer of [0, 1, null]) {
    const begins = layer === null ? "model.embed" : `model.layers.${layer}.`;
    const own = [...matrices].filter(([module]) => module.startsWith(begins));
    model.writeShard(layer, { matrices: new Map(own) });
  }
  model.finish();
  return matrices;
}

const base = { bits: 4, groupSize: 32, symmetric: true } as const;

/** A grid of its own for every other module; one of each layer stays as it is, and so does the embedding unless it is asked for. */
function mixed(
  bits: readonly RandomGrid["bits"][],
  { embedding = false, symmetric = true } = {},
): (module: string) => RandomGrid | null {
  return (module) => {
    if (module === "model.embed_tokens") return embedding ? { ...base, groupSize: 64 } : null;
    if (module.endsWith("k_proj")) return null;
    if (module.endsWith("up_proj")) return base;
    const number = [...shapes.keys()].indexOf(`${module}.weight`);
    return {
      bits: bits[number % bits.length]!,
      groupSize: number % 2 === 0 ? 32 : null,
      symmetric: symmetric || number % 3 === 0,
    };
  };
}

describe("a whole model comes back from its files, number for number", () => {
  it.each([
    {
      name: "compressed-tensors",
      writer: compressedTensorsWriter,
      gridOf: mixed([2, 3, 4, 5, 6, 8], { embedding: true, symmetric: false }),
    },
    {
      name: "W8A8 beside 4 bits",
      writer: compressedTensorsWriter,
      gridOf: (module: string): RandomGrid | null =>
        module.includes("self_attn")
          ? { bits: 8, groupSize: null, symmetric: true, activations: "int8-per-token" }
          : mixed([4])(module),
    },
    { name: "gptq-v2", writer: gptqV2Writer, gridOf: mixed([2, 3, 4, 8], { symmetric: false }) },
    { name: "gptq", writer: gptqWriter, gridOf: mixed([2, 3, 4, 8]) },
    { name: "awq", writer: awqWriter, gridOf: (module: string) => (module.includes("mlp") ? base : null) },
    { name: "mlx", writer: mlxWriter, gridOf: mixed([2, 3, 4, 5, 6, 8], { embedding: true }) },
  ])("$name, each module with its own scheme where the format has that", ({ name, writer, gridOf }) => {
    const directory = join(work, name);
    const matrices = writeModel(directory, writer, gridOf);
    const checkpoint = openCheckpoint(directory);
    const schemes = [...(checkpoint.quantization ?? [])].map(
      ([module, { scheme }]) => [module, scheme.bits] as const,
    );
    expect(new Map(schemes)).toEqual(new Map([...matrices].map(([module, { bits }]) => [module, bits])));
    const read = new Map(
      [...shapes.keys()].map((parameter) => [parameter, checkpoint.readFloat32(parameter)]),
    );
    const expected = new Map(
      [...shapes.keys()].map((parameter) => {
        const matrix = matrices.get(parameter.replace(/\.weight$/u, ""));
        return [parameter, matrix === undefined ? source.readFloat32(parameter) : dequantize(matrix)];
      }),
    );
    expect(read).toEqual(expected);
    expect(checkpoint.unexpectedTensors).toEqual([]);
  });
});
