import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { packedTensors, packQuantized } from "../../src/checkpoint/formats/pack-quantized.ts";
import type { QuantizedMatrix } from "../../src/checkpoint/quantized-matrix.ts";
import {
  readSafetensorsHeader,
  writeSafetensors,
  type TensorToWrite,
} from "../../src/checkpoint/safetensors.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-golden-"));
afterAll(() => rmSync(directory, { recursive: true }));

const numbers = z.array(z.int());
const goldenSchema = z.object({
  cases: z.array(
    z.object({
      bits: z.literal([2, 3, 4, 5, 6, 8]),
      rows: z.int(),
      columns: z.int(),
      groups: z.int(),
      signedCodes: numbers,
      signedZeroPoints: numbers,
      weightPacked: numbers,
      weightZeroPoint: numbers,
    }),
  ),
});
type Golden = z.infer<typeof goldenSchema>["cases"][number];

function casesOf(file: string): Golden[] {
  return goldenSchema.parse(JSON.parse(readFileSync(join(import.meta.dirname, file), "utf8"))).cases;
}

function matrixOf({ bits, rows, columns, groups, signedCodes, signedZeroPoints }: Golden): QuantizedMatrix {
  const unsigned = (codes: readonly number[]): Uint8Array =>
    Uint8Array.from(codes, (code) => code + 2 ** (bits - 1));
  return {
    bits,
    rows,
    columns,
    groupSize: columns / groups,
    symmetric: false,
    codes: unsigned(signedCodes),
    scales: new Float32Array(rows * groups).fill(1),
    zeroPoints: unsigned(signedZeroPoints),
  };
}

it.each(casesOf("compressed-tensors.json"))(
  "packs $bits bits into the words of the compressed-tensors library",
  (packed) => {
    const tensors = packedTensors("linear", matrixOf(packed));
    const words = (part: string): number[] => {
      const data = tensors.find(({ name }) => name === `linear.${part}`)?.data;
      return data instanceof Uint8Array ? [...new Int32Array(data.slice().buffer)] : [];
    };
    expect(words("weight_packed")).toEqual(packed.weightPacked);
    expect(words("weight_zero_point")).toEqual(packed.weightZeroPoint);
  },
);

describe.each([
  ["compressed-tensors.json", "dense"],
  ["compressed-tensors-0.17.json", "loose"],
] as const)("of %s", (file, packer) => {
  it.each(casesOf(file))("the words of $bits bits are read as the codes they were", (packed) => {
    const { rows, columns, bits, groups, weightPacked, weightZeroPoint } = packed;
    const matrix = matrixOf(packed);
    const replaced = new Map([
      ["linear.weight_packed", { words: weightPacked, shape: [rows, weightPacked.length / rows] }],
      [
        "linear.weight_zero_point",
        { words: weightZeroPoint, shape: [weightZeroPoint.length / groups, groups] },
      ],
    ]);
    const tensors = packedTensors("linear", matrix).map((tensor): TensorToWrite => {
      const theirs = replaced.get(tensor.name);
      if (theirs === undefined) return tensor;
      return { ...tensor, shape: theirs.shape, data: new Uint8Array(Int32Array.from(theirs.words).buffer) };
    });
    const path = join(directory, "model.safetensors");
    writeSafetensors(path, tensors);
    const located = readSafetensorsHeader(path).tensors;
    const layout = packQuantized({ bits, groupSize: columns / groups, symmetric: false }, packer);
    const part = (suffix: string) => located.get(`linear.${suffix}`) ?? null;
    expect(layout.read(part, { module: "linear", rows, columns })).toEqual({ kind: "quantized", matrix });
  });
});
