import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { awqReader, awqWriter } from "../../src/checkpoint/formats/awq.ts";
import type { TensorToWrite } from "../../src/checkpoint/safetensors.ts";
import { MODULE, readTensors } from "../stored-module.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-awq-"));
afterAll(() => rmSync(directory, { recursive: true }));

const numbers = z.array(z.number());
const { source, rows, columns, groupSize, cases } = z
  .object({
    source: z.object({ program: z.string() }),
    rows: z.int(),
    columns: z.int(),
    groupSize: z.int(),
    cases: z.array(
      z.object({
        symmetric: z.boolean(),
        codes: numbers,
        zeroPoints: numbers,
        scales: numbers,
        qweight: numbers,
        qzeros: numbers,
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "awq-files.json"), "utf8")));

describe(`AWQ files agree with ${source.program}`, () => {
  it.each(cases)("symmetric: $symmetric", ({ symmetric, codes, zeroPoints, scales, qweight, qzeros }) => {
    const matrix = {
      bits: 4 as const,
      rows,
      columns,
      groupSize,
      symmetric,
      codes: Uint8Array.from(codes),
      scales: Float32Array.from(scales),
      zeroPoints: Uint8Array.from(zeroPoints),
    };
    const tensors = awqWriter.tensors(MODULE, matrix) ?? [];
    const words = (part: string): number[] => {
      const data = tensors.find(({ name }: TensorToWrite) => name === `${MODULE}.${part}`)?.data;
      return data instanceof Uint8Array ? [...new Int32Array(data.slice().buffer)] : [];
    };
    expect(words("qweight")).toEqual(qweight);
    expect(words("qzeros")).toEqual(qzeros);
    const config = {
      quant_method: "awq",
      bits: 4,
      group_size: groupSize,
      zero_point: !symmetric,
      version: "GEMM",
    };
    const weight = readTensors(directory, {
      reader: awqReader,
      config: { quantization_config: config },
      tensors,
      shape: { rows, columns },
    });
    expect(weight).toEqual({ kind: "quantized", matrix });
  });
});
