import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, boolean, constantFrom, integer, property, record } from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { randomStream } from "../../util/random.ts";
import type { QuantizedMatrix } from "../quantized-matrix.ts";
import { readSafetensorsHeader, writeSafetensors, type TensorLocation } from "../safetensors.ts";
import { packedTensors, packQuantized } from "./pack-quantized.ts";

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
  const layout = packQuantized(scheme);
  const parts = [...layout.parts({ rows, columns })].flatMap(([part, { shape, required }]) =>
    required === false ? [] : [[`linear.${part}`, shape]],
  );
  expect(Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]))).toEqual(
    Object.fromEntries(parts),
  );
  const location = (part: string): TensorLocation | null => tensors.get(`linear.${part}`) ?? null;
  expect(layout.contradiction?.(location, { rows, columns })).toBeNull();
  const weight = layout.read(location, { module: "linear", rows, columns });
  if (weight.kind === "dense") throw new Error("a matrix was written");
  return weight.matrix;
}

describe("pack-quantized", () => {
  it("restores every matrix bit for bit", () => {
    const shape = record({
      bits: constantFrom(2 as const, 3 as const, 4 as const, 5 as const, 6 as const, 8 as const),
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
});
