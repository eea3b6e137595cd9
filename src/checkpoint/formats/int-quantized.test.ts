import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { QuantizedMatrix } from "../quantized-matrix.ts";
import { readSafetensorsHeader, writeSafetensors, type TensorLocation } from "../safetensors.ts";
import type { StoredWeight } from "../stored-weight.ts";
import { integerTensors, intQuantized } from "./int-quantized.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-integers-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Two rows of three columns; code 0 is -128 in the file, code 255 is 127. */
const matrix: QuantizedMatrix = {
  bits: 8,
  rows: 2,
  columns: 3,
  groupSize: 3,
  symmetric: true,
  codes: Uint8Array.of(0, 128, 255, 127, 129, 1),
  scales: Float32Array.of(0.5, 0.25),
  zeroPoints: Uint8Array.of(128, 128),
  activations: "int8-per-token",
};

function read(scheme: Parameters<typeof intQuantized>[0]): StoredWeight {
  const path = join(directory, "model.safetensors");
  writeSafetensors(path, integerTensors("linear", matrix));
  const { tensors } = readSafetensorsHeader(path);
  const location = (part: string): TensorLocation | null => tensors.get(`linear.${part}`) ?? null;
  return intQuantized(scheme).read(location, { module: "linear", rows: 2, columns: 3 });
}

describe("int-quantized", () => {
  it("worked example: integers are codes less 128", () => {
    const [weight, scale] = integerTensors("linear", matrix);
    expect(weight).toEqual({
      name: "linear.weight",
      dataType: "I8",
      shape: [2, 3],
      data: new Uint8Array(Int8Array.of(-128, 0, 127, -1, 1, -127).buffer),
    });
    expect(scale!.shape).toEqual([2, 1]);
  });

  it("reads what it writes, activations included", () => {
    const scheme = { bits: 8, groupSize: null, symmetric: true, activations: "int8-per-token" } as const;
    expect(read(scheme)).toEqual({ kind: "quantized", matrix });
  });

  it("refuses integers beyond the width that the settings say", () => {
    expect(() => read({ bits: 4, groupSize: null, symmetric: true })).toThrow(
      /expected integers of 4 bits in linear.*got -128/u,
    );
  });
});
