import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { packedTensors } from "../../src/checkpoint/formats/pack-quantized.ts";

const numbers = z.array(z.int());
const golden = z
  .object({
    cases: z.array(
      z.object({
        bits: z.literal([2, 3, 4, 8]),
        rows: z.int(),
        columns: z.int(),
        groups: z.int(),
        signedCodes: numbers,
        signedZeroPoints: numbers,
        weightPacked: numbers,
        weightZeroPoint: numbers,
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "compressed-tensors.json"), "utf8")));

it.each(golden.cases)("packs $bits bits into the words of the compressed-tensors library", (packed) => {
  const { bits, rows, columns, groups } = packed;
  const unsigned = (codes: readonly number[]): Uint8Array =>
    Uint8Array.from(codes, (code) => code + 2 ** (bits - 1));
  const tensors = packedTensors("linear", {
    bits,
    rows,
    columns,
    groupSize: columns / groups,
    symmetric: false,
    codes: unsigned(packed.signedCodes),
    scales: new Float32Array(rows * groups).fill(1),
    zeroPoints: unsigned(packed.signedZeroPoints),
  });
  const words = (part: string): number[] => {
    const data = tensors.find(({ name }) => name === `linear.${part}`)?.data;
    return data instanceof Uint8Array ? [...new Int32Array(data.slice().buffer)] : [];
  };
  expect(words("weight_packed")).toEqual(packed.weightPacked);
  expect(words("weight_zero_point")).toEqual(packed.weightZeroPoint);
});
