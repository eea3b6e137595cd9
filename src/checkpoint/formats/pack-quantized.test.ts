import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, boolean, constantFrom, integer, property, record } from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { randomStream } from "../../util/random.ts";
import type { QuantizedMatrix } from "../quantized-matrix.ts";
import { readSafetensorsHeader, writeSafetensors } from "../safetensors.ts";
import { packedShapes, packedTensors, readPackedMatrix } from "./compressed-tensors.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-packed-"));
afterAll(() => rmSync(directory, { recursive: true }));

type Shape = Pick<QuantizedMatrix, "bits" | "rows" | "groupSize" | "symmetric"> & { groups: number };

function randomMatrix({ bits, rows, groupSize, symmetric, groups }: Shape): QuantizedMatrix {
  const random = randomStream(3, bits, rows, groupSize, groups);
  const code = (): number => random.integer(2 ** bits);
  const columns = groups * groupSize;
  return {
    bits,
    rows,
    columns,
    groupSize,
    symmetric,
    codes: Uint8Array.from({ length: rows * columns }, code),
    scales: Float32Array.from({ length: rows * groups }, () => Math.f16round(random.next() + 2 ** -20)),
    zeroPoints: symmetric
      ? new Uint8Array(rows * groups).fill(2 ** (bits - 1))
      : Uint8Array.from({ length: rows * groups }, code),
  };
}

function throughFile(matrix: QuantizedMatrix): QuantizedMatrix {
  const path = join(directory, "model.safetensors");
  writeSafetensors(path, packedTensors("linear", matrix));
  const { tensors } = readSafetensorsHeader(path);
  const { bits, rows, columns, groupSize, symmetric } = matrix;
  const scheme = { bits, groupSize: groupSize === columns ? null : groupSize, symmetric };
  expect(Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]))).toEqual(
    Object.fromEntries(packedShapes("linear", { rows, columns, scheme })),
  );
  return readPackedMatrix({
    name: "linear",
    scheme,
    rows,
    columns,
    packed: tensors.get("linear.weight_packed")!,
    scale: tensors.get("linear.weight_scale")!,
    zeroPoint: tensors.get("linear.weight_zero_point") ?? null,
  });
}

describe("pack-quantized", () => {
  it("restores every matrix bit for bit", () => {
    const shape = record({
      bits: constantFrom(2 as const, 3 as const, 4 as const, 8 as const),
      rows: integer({ min: 1, max: 37 }),
      groupSize: integer({ min: 1, max: 70 }),
      groups: integer({ min: 1, max: 4 }),
      symmetric: boolean(),
    });
    const roundTrip = property(shape, (drawn) => {
      const matrix = randomMatrix(drawn);
      expect(throughFile(matrix)).toEqual(matrix);
    });
    expect(() => assert(roundTrip, { numRuns: 50 })).not.toThrow();
  });

  it("refuses a scale that fp16 would round", () => {
    const matrix = randomMatrix({ bits: 4, rows: 2, groupSize: 4, groups: 1, symmetric: true });
    expect(() => packedTensors("linear", { ...matrix, scales: new Float32Array([1, 1.000_1]) })).toThrow(
      expect.objectContaining({ code: "checkpoint/inexact-scale" }),
    );
  });
});
