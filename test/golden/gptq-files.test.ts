import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { gptqReader, gptqV2Writer, gptqWriter } from "../../src/checkpoint/formats/gptq.ts";
import type { QuantizedMatrix } from "../../src/checkpoint/quantized-matrix.ts";
import type { TensorToWrite } from "../../src/checkpoint/safetensors.ts";
import { MODULE, readTensors } from "../stored-module.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-gptq-"));
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
        bits: z.literal([2, 3, 4, 8]),
        kind: z.enum(["symmetric", "asymmetric", "activation-order"]),
        codes: numbers,
        zeroPoints: numbers,
        scales: numbers,
        groupOf: numbers,
        qweight: numbers,
        qzerosVersion1: numbers,
        qzerosVersion2: numbers,
        weight: numbers,
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "gptq-files.json"), "utf8")));

type Case = (typeof cases)[number];

function matrixOf({ bits, kind, codes, zeroPoints, scales }: Case): QuantizedMatrix {
  return {
    bits,
    rows,
    columns,
    groupSize,
    symmetric: kind === "symmetric",
    codes: Uint8Array.from(codes),
    scales: Float32Array.from(scales),
    zeroPoints: Uint8Array.from(zeroPoints),
  };
}

function words(tensors: readonly TensorToWrite[] | null, part: string): number[] {
  const data = tensors?.find(({ name }) => name === `${MODULE}.${part}`)?.data;
  return data instanceof Uint8Array ? [...new Int32Array(data.slice().buffer)] : [];
}

function tensorsOf(packed: Case, version: 1 | 2): TensorToWrite[] {
  const written = gptqV2Writer.tensors(MODULE, matrixOf(packed)) ?? [];
  const replaced = new Map([
    [`${MODULE}.qweight`, packed.qweight],
    [`${MODULE}.qzeros`, version === 1 ? packed.qzerosVersion1 : packed.qzerosVersion2],
    [`${MODULE}.g_idx`, packed.groupOf],
  ]);
  return written.map((tensor) => {
    const values = replaced.get(tensor.name);
    return values === undefined
      ? tensor
      : { ...tensor, data: new Uint8Array(Int32Array.from(values).buffer) };
  });
}

describe(`GPTQ files agree with ${source.program}`, () => {
  const inOrder = cases.filter(({ kind }) => kind !== "activation-order");

  it.each(inOrder)("writes $bits bits, $kind, into the same words", (packed) => {
    const matrix = matrixOf(packed);
    const version2 = gptqV2Writer.tensors(MODULE, matrix);
    expect(words(version2, "qweight")).toEqual(packed.qweight);
    expect(words(version2, "qzeros")).toEqual(packed.qzerosVersion2);
    expect(words(version2, "g_idx")).toEqual(packed.groupOf);
    if (matrix.zeroPoints.includes(0)) expect(gptqWriter.inexact(matrix)).toContain("version 1");
    else expect(words(gptqWriter.tensors(MODULE, matrix), "qzeros")).toEqual(packed.qzerosVersion1);
  });

  // Version 1 of an asymmetric matrix holds zero points of 0, which GPTQModel restores from whole words.
  const versions = cases.flatMap((packed) => ([1, 2] as const).map((version) => ({ ...packed, version })));

  it.each(versions)("reads $bits bits, $kind, version $version", (packed) => {
    const { bits, kind, version } = packed;
    const config = {
      quant_method: "gptq",
      bits,
      group_size: groupSize,
      sym: kind === "symmetric",
      desc_act: kind === "activation-order",
      checkpoint_format: version === 1 ? "gptq" : "gptq_v2",
    };
    const weight = readTensors(directory, {
      reader: gptqReader,
      config: { quantization_config: config },
      tensors: tensorsOf(packed, version),
      shape: { rows, columns },
    });
    if (kind === "activation-order") {
      expect(weight).toEqual({ kind: "dense", values: Float32Array.from(packed.weight) });
    } else expect(weight).toEqual({ kind: "quantized", matrix: matrixOf(packed) });
  });
});
