import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { randomStream } from "../util/random.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { expectedTensors, layerLinearNames } from "./expected-tensors.ts";
import type { QuantizationScheme } from "./formats/quantization-config.ts";
import type { QuantizedMatrix } from "./quantized-matrix.ts";
import { quantizedModelWriter } from "./quantized-model-writer.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-writer-"));
afterAll(() => rmSync(work, { recursive: true }));
const source = openCheckpoint(join(import.meta.dirname, "../../test/golden/tiny/llama"));
const shapes = expectedTensors(source.config);

const schemes = new Map<string, QuantizationScheme>();
for (const layer of [0, 1]) {
  for (const module of layerLinearNames(layer)) {
    const mixed = module.endsWith("down_proj");
    schemes.set(
      module,
      mixed ? { bits: 4, groupSize: null, symmetric: false } : { bits: 3, groupSize: 16, symmetric: true },
    );
  }
}

function matricesOf(layer: number): Map<string, QuantizedMatrix> {
  return new Map(layerLinearNames(layer).map((module) => [module, randomMatrix(module)]));
}

function randomMatrix(module: string): QuantizedMatrix {
  const [rows, columns] = [shapes.get(`${module}.weight`)![0]!, shapes.get(`${module}.weight`)![1]!];
  const { bits, groupSize: size, symmetric } = schemes.get(module)!;
  const groupSize = size ?? columns;
  const groups = columns / groupSize;
  const random = randomStream(5, module);
  return {
    bits,
    rows,
    columns,
    groupSize,
    symmetric,
    codes: Uint8Array.from({ length: rows * columns }, () => random.integer(2 ** bits)),
    scales: new Float32Array(rows * groups).fill(0.125),
    zeroPoints: Uint8Array.from({ length: rows * groups }, () =>
      symmetric ? 2 ** (bits - 1) : random.integer(2 ** bits),
    ),
  };
}

function write(directory: string, identity = "test"): void {
  const writer = quantizedModelWriter({ source, directory, schemes, identity });
  for (const layer of [0, 1])
    if (!writer.isWritten(layer)) writer.writeShard(layer, { matrices: matricesOf(layer) });
  if (!writer.isWritten(null)) writer.writeShard(null, { matrices: new Map() });
  writer.finish();
}

const contents = (directory: string): Map<string, string> =>
  new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "hex")]));

describe("quantizedModelWriter", () => {
  const whole = join(work, "whole");
  write(whole);

  it("writes a model that opens with the same codes and the same other tensors", () => {
    const checkpoint = openCheckpoint(whole);
    expect(checkpoint.unexpectedTensors).toEqual([]);
    expect([...checkpoint.quantization!.keys()]).toEqual([...schemes.keys()]);
    for (const module of schemes.keys())
      expect(checkpoint.readQuantized(module)).toEqual(randomMatrix(module));
    expect(checkpoint.readFloat32("lm_head.weight")).toEqual(source.readFloat32("lm_head.weight"));
  });

  it("continues after a kill to the same bytes", () => {
    const killed = join(work, "killed");
    const writer = quantizedModelWriter({ source, directory: killed, schemes, identity: "test" });
    writer.writeShard(1, { matrices: matricesOf(1) });
    writeFileSync(join(killed, "model-00001-of-00003.safetensors.partial"), "cut off");
    expect(() => openCheckpoint(killed)).toThrow(expect.objectContaining({ code: "files/not-found" }));
    expect(() => writer.finish()).toThrow(expect.objectContaining({ code: "checkpoint/wrong-shard" }));
    write(killed);
    expect(contents(killed)).toEqual(contents(whole));
  });

  it("refuses a directory begun with other settings, and modules of no model", () => {
    const other = join(work, "other");
    cpSync(whole, other, { recursive: true });
    expect(() => write(other, "other")).toThrow(
      expect.objectContaining({ code: "checkpoint/other-identity" }),
    );
    const unknown = new Map([["model.layers.7.mlp.up_proj", schemes.get("model.layers.0.mlp.up_proj")!]]);
    expect(() => quantizedModelWriter({ source, directory: other, schemes: unknown, identity: "" })).toThrow(
      expect.objectContaining({ code: "checkpoint/unknown-module" }),
    );
  });

  it("refuses a matrix of another scheme", () => {
    const writer = quantizedModelWriter({
      source,
      directory: join(work, "wrong"),
      schemes,
      identity: "test",
    });
    const matrices = matricesOf(0);
    matrices.set("model.layers.0.mlp.up_proj", { ...randomMatrix("model.layers.0.mlp.up_proj"), bits: 4 });
    expect(() => writer.writeShard(0, { matrices })).toThrow(/mlp\.up_proj/u);
  });
});
