import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { mlxReader, mlxWriter } from "../../src/checkpoint/formats/mlx.ts";
import type { TensorToWrite } from "../../src/checkpoint/safetensors.ts";
import { denseValues } from "../../src/checkpoint/stored-weight.ts";
import { MODULE, readTensors } from "../stored-module.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-mlx-"));
afterAll(() => rmSync(directory, { recursive: true }));

const numbers = z.array(z.number());
const { source, rows, columns, cases } = z
  .object({
    source: z.object({ program: z.string() }),
    rows: z.int(),
    columns: z.int(),
    cases: z.array(
      z.object({
        kind: z.enum(["MLX's own quantizer", "exact zero points"]),
        bits: z.literal([2, 3, 4, 5, 6, 8]),
        groupSize: z.int(),
        weight: numbers,
        scales: numbers,
        biases: numbers,
        codes: numbers,
        values: numbers,
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "mlx-files.json"), "utf8")));

function bytes(values: ArrayBufferView<ArrayBuffer>): Uint8Array {
  return new Uint8Array(values.buffer);
}

describe(`MLX files agree with ${source.program}`, () => {
  it.each(cases)("$bits bits, groups of $groupSize, $kind", ({ kind, bits, groupSize, ...packed }) => {
    const groups = columns / groupSize;

    const tensors: TensorToWrite[] = [
      {
        name: `${MODULE}.weight`,
        dataType: "U32",
        shape: [rows, (columns * bits) / 32],
        data: bytes(Uint32Array.from(packed.weight)),
      },
      {
        name: `${MODULE}.scales`,
        dataType: "F32",
        shape: [rows, groups],
        data: bytes(Float32Array.from(packed.scales)),
      },
      {
        name: `${MODULE}.biases`,
        dataType: "F32",
        shape: [rows, groups],
        data: bytes(Float32Array.from(packed.biases)),
      },
    ];
    const weight = readTensors(directory, {
      reader: mlxReader,
      config: { quantization: { group_size: groupSize, bits } },
      tensors,
      shape: { rows, columns },
    });
    // MLX rounds product and sum, we only the sum: half a unit of the largest product, 2^-24 of about 4.
    expect(denseValues(weight)).toBeAllClose(Float32Array.from(packed.values), {
      relative: 0,
      absolute: 2 ** -22,
    });
    if (kind === "exact zero points") {
      if (weight.kind === "dense") throw new Error("expected a matrix");
      expect([...weight.matrix.codes]).toEqual(packed.codes);
      const written = mlxWriter.tensors(MODULE, weight.matrix)?.[0]?.data;
      expect(written).toEqual(tensors[0]?.data);
    } else expect(weight.kind).toBe("dense");
  });
});
