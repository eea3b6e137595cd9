import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, boolean, constantFrom, integer, property, record } from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { dequantize } from "../../src/checkpoint/dequantize.ts";
import type { WeightFormatWriter } from "../../src/checkpoint/formats/weight-format.ts";
import { readWeightLayouts, weightFormatWriters } from "../../src/checkpoint/formats/weight-formats.ts";
import type { QuantizedMatrix } from "../../src/checkpoint/quantized-matrix.ts";
import { findQuantizedModules } from "../../src/checkpoint/quantized-modules.ts";
import { readSafetensorsHeader, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { denseValues, type StoredWeight } from "../../src/checkpoint/stored-weight.ts";
import { randomStream } from "../../src/util/random.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-export-"));
afterAll(() => rmSync(directory, { recursive: true }));
const module = "model.layers.0.mlp.up_proj";

interface Drawn {
  readonly bits: QuantizedMatrix["bits"];
  readonly rows: number;
  readonly groupSize: number;
  readonly groups: number;
  readonly symmetric: boolean;
  /** Whether scales are powers of two, so that any zero point times a scale is a number of fp16. */
  readonly roundScales: boolean;
  readonly activations: boolean;
}

function drawnMatrix(drawn: Drawn): QuantizedMatrix {
  const { bits, rows, groupSize, groups, symmetric, roundScales, activations } = drawn;
  const random = randomStream("export", JSON.stringify(drawn));
  const columns = groupSize * groups;
  const code = (): number => random.integer(2 ** bits);
  const scale = (): number =>
    roundScales ? 2 ** -random.integer(10) : Math.f16round(random.next() / 8 + 2 ** -10);
  return {
    bits,
    rows,
    columns,
    groupSize,
    symmetric,
    codes: Uint8Array.from({ length: rows * columns }, code),
    scales: Float32Array.from({ length: rows * groups }, scale),
    zeroPoints: Uint8Array.from({ length: rows * groups }, () => (symmetric ? 2 ** (bits - 1) : code())),
    ...(activations ? { activations: "int8-per-token" as const } : {}),
  };
}

function throughFiles(writer: WeightFormatWriter, matrix: QuantizedMatrix): StoredWeight {
  const { bits, symmetric, groupSize, rows, columns, activations } = matrix;
  const scheme = {
    bits,
    symmetric,
    groupSize,
    columns,
    ...(activations === undefined ? {} : { activations }),
  };
  const path = join(directory, "model.safetensors");
  writeSafetensors(path, writer.tensors(module, matrix) ?? []);
  const layouts = readWeightLayouts(writer.config(new Map([[module, scheme]]), []), "test")!;
  const { tensors } = readSafetensorsHeader(path);
  const found = findQuantizedModules(new Map([[`${module}.weight`, [rows, columns]]]), {
    ...layouts,
    tensors,
  });
  expect(found.offences).toEqual([]);
  expect([...tensors.keys()].filter((name) => !found.parts.has(name))).toEqual([]);
  return found.modules.get(module)!.read();
}

describe.each(Object.entries(weightFormatWriters))("%s", (_, writer) => {
  it("gives back every number of every matrix that it calls exact", () => {
    let exact = 0;
    const shape = record({
      bits: constantFrom(2 as const, 3 as const, 4 as const, 5 as const, 6 as const, 8 as const),
      rows: constantFrom(1, 7, 8, 32, 33, 64),
      groupSize: constantFrom(1, 5, 16, 32, 64, 96, 128),
      groups: integer({ min: 1, max: 3 }),
      symmetric: boolean(),
      roundScales: boolean(),
      activations: constantFrom(false, false, false, true),
    });
    const holds = property(shape, (drawn) => {
      const matrix = drawnMatrix(drawn);
      if (writer.inexact(matrix) !== null) return;
      exact += 1;
      const weight = throughFiles(writer, matrix);
      const [before, after] = [dequantize(matrix), denseValues(weight)];
      expect(after.findIndex((value, index) => value !== before[index])).toBe(-1);
      if (weight.kind === "dense") throw new Error("an exact matrix came back as numbers");
      expect(weight.matrix.activations).toBe(matrix.activations);
      if (weight.matrix.groupSize === matrix.groupSize) {
        expect(weight.matrix.codes).toEqual(matrix.codes);
        expect(weight.matrix.zeroPoints).toEqual(matrix.zeroPoints);
        expect(weight.matrix.scales).toEqual(matrix.scales);
      }
    });
    expect(() => assert(holds, { numRuns: 1500 })).not.toThrow();
    expect(exact).toBeGreaterThan(10);
  });

  it("holds what it calls inexact near, or not at all", () => {
    const shape = record({
      bits: constantFrom(3 as const, 4 as const, 8 as const),
      rows: constantFrom(32, 33),
      groupSize: constantFrom(24, 32),
      groups: integer({ min: 1, max: 2 }),
      symmetric: boolean(),
      roundScales: constantFrom(false),
      activations: boolean(),
    });
    const holds = property(shape, (drawn) => {
      const matrix = drawnMatrix(drawn);
      if (writer.inexact(matrix) === null || writer.tensors(module, matrix) === null) return;
      const [before, after] = [dequantize(matrix), denseValues(throughFiles(writer, matrix))];
      const largest = Math.max(...matrix.scales);
      // At most one step: version 1 of GPTQ moves the grid of a group whose zero point is 0.
      expect(after.every((value, index) => Math.abs(value - before[index]!) <= largest * 1.01)).toBe(true);
    });
    expect(() => assert(holds, { numRuns: 200 })).not.toThrow();
  });
});
