import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, boolean, constantFrom, integer, property, record } from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { anyMatrix, MODULE, readTensors, throughFile } from "../../../test/stored-module.ts";
import { dequantize } from "../dequantize.ts";
import type { QuantizedMatrix } from "../quantized-matrix.ts";
import type { TensorToWrite } from "../safetensors.ts";
import { gptqReader, gptqV2Writer, gptqWriter } from "./gptq.ts";
import type { ModuleScheme } from "./weight-format.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-gptq-"));
afterAll(() => rmSync(directory, { recursive: true }));

function words(tensors: readonly TensorToWrite[] | null, part: string): string[] {
  const data = tensors?.find(({ name }) => name === `${MODULE}.${part}`)?.data;
  const values = data instanceof Uint8Array ? [...new Uint32Array(data.slice().buffer)] : [];
  return values.map((word) => word.toString(16).padStart(8, "0"));
}

const symmetric = (bits: QuantizedMatrix["bits"]): QuantizedMatrix =>
  anyMatrix({ bits, rows: 32, groupSize: 32, groups: 1, symmetric: true });

function settings(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    quant_method: "gptq",
    bits: 4,
    group_size: 32,
    sym: true,
    desc_act: false,
    checkpoint_format: "gptq",
    ...changes,
  };
}

function layoutOf(block: unknown): ReturnType<typeof gptqReader.layouts> {
  return gptqReader.layouts({ quantization_config: block }, join(directory, "config.json"));
}

function readWith(
  changes: Readonly<Record<string, unknown>>,
  { matrix = symmetric(4), other = [] as TensorToWrite[] } = {},
): unknown {
  const tensors = gptqWriter.tensors(MODULE, matrix) ?? [];
  const replaced = new Set(other.map(({ name }) => name));
  return readTensors(directory, {
    reader: gptqReader,
    config: { quantization_config: settings(changes) },
    tensors: [...tensors.filter(({ name }) => !replaced.has(name)), ...other],
    shape: matrix,
  });
}

describe("GPTQ files", () => {
  it.each([
    { bits: 2 as const, version1: ["55555555"], version2: ["aaaaaaaa"] },
    { bits: 4 as const, version1: ["77777777"], version2: ["88888888"] },
    { bits: 8 as const, version1: ["7f7f7f7f"], version2: ["80808080"] },
    {
      bits: 3 as const,
      version1: ["db6db6db", "b6db6db6", "6db6db6d"],
      version2: ["24924924", "49249249", "92492492"],
    },
  ])("holds the symmetric zero point of $bits bits less one in version 1 (worked example)", (example) => {
    const matrix = symmetric(example.bits);
    expect([...new Set(words(gptqWriter.tensors(MODULE, matrix), "qzeros"))]).toEqual(example.version1);
    expect([...new Set(words(gptqV2Writer.tensors(MODULE, matrix), "qzeros"))]).toEqual(example.version2);
  });

  it("stacks eight inputs of one output in a word (worked example)", () => {
    // Output 0 has codes 0 1 2 ... 7 8 9 ..., output 1 has 15 everywhere.
    const codes = Uint8Array.from({ length: 8 * 16 }, (_, index) =>
      index < 16 ? index : index < 32 ? 15 : 0,
    );
    const matrix = {
      ...anyMatrix({ bits: 4, rows: 8, groupSize: 16, groups: 1, symmetric: true }),
      codes,
    };
    const none = Array.from({ length: 6 }, () => "00000000");
    expect(words(gptqWriter.tensors(MODULE, matrix), "qweight")).toEqual([
      "76543210",
      "ffffffff",
      ...none,
      "fedcba98",
      "ffffffff",
      ...none,
    ]);
  });

  it("come back bit for bit, in both versions", () => {
    const shape = record({
      bits: constantFrom(2 as const, 3 as const, 4 as const, 8 as const),
      rows: integer({ min: 1, max: 3 }).map((count) => 32 * count),
      groupSize: constantFrom(16, 32, 64),
      groups: integer({ min: 1, max: 3 }).map((count) => 2 * count),
      symmetric: boolean(),
    });
    const roundTrip = property(shape, boolean(), (drawn, whole) => {
      const matrix = anyMatrix(drawn);
      const { columns, groupSize, scales, zeroPoints } = matrix;
      const channel = {
        ...matrix,
        groupSize: columns,
        scales: scales.filter((_, group) => group % (columns / groupSize) === 0),
        zeroPoints: zeroPoints.filter((_, group) => group % (columns / groupSize) === 0),
      };
      const chosen = whole ? channel : matrix;
      const expected = { kind: "quantized", matrix: chosen };
      expect(gptqV2Writer.inexact(chosen)).toBeNull();
      expect(throughFile(chosen, { directory, reader: gptqReader, writer: gptqV2Writer })).toEqual(expected);
      if (gptqWriter.inexact(chosen) !== null) return;
      expect(throughFile(chosen, { directory, reader: gptqReader, writer: gptqWriter })).toEqual(expected);
    });
    expect(() => assert(roundTrip, { numRuns: 30 })).not.toThrow();
  });

  it("of version 1 have no zero point of 0, and lose by it only the highest code", () => {
    const matrix = anyMatrix({ bits: 2, rows: 16, groupSize: 16, groups: 1, symmetric: false });
    const zeroPoints = new Uint8Array(16);
    const given = { ...matrix, zeroPoints, scales: new Float32Array(16).fill(1) };
    expect(gptqWriter.inexact(given)).toBe(
      "version 1 of GPTQ holds zero points less one, and one here is 0 (version 2 holds it)",
    );
    const weight = throughFile(given, { directory, reader: gptqReader, writer: gptqWriter });
    const nearest = weight.kind === "quantized" ? dequantize(weight.matrix) : weight.values;
    expect(nearest).toEqual(dequantize(given).map((value) => Math.min(value, 2)));
  });

  it.each([
    [{ bits: 5, rows: 32, groupSize: 32 }, "GPTQ files have 2, 3, 4 or 8 bits, not 5"],
    [
      { bits: 4, rows: 20, groupSize: 32 },
      "GPTQ packs 8 codes of 4 bits together, which do not divide 20 features",
    ],
    [
      { bits: 3, rows: 48, groupSize: 32 },
      "GPTQ packs 32 codes of 3 bits together, which do not divide 48 features",
    ],
    [
      { bits: 4, rows: 32, groupSize: 24 },
      "GPTQ readers take groups of 16, 32, 64, 128, 256, 512, 1024 or a whole row, not of 24",
    ],
  ] as const)("are not written for %o", (shape, reason) => {
    const matrix = anyMatrix({ ...shape, groups: 4, symmetric: true });
    expect(gptqWriter.inexact(matrix)).toBe(reason);
    expect(gptqWriter.tensors(MODULE, matrix)).toBeNull();
  });

  it("say so when their version is not the one that the settings name", () => {
    expect(() => readWith({ checkpoint_format: "gptq_v2" })).toThrow(
      `${MODULE}: qzeros hold a zero point of 7 as version 2 counts, and sym means 8`,
    );
  });

  it("refuse groups that there are not", () => {
    const data = new Uint8Array(
      Int32Array.from({ length: 32 }, (_, column) => (column === 9 ? 3 : 0)).buffer,
    );
    const other = [{ name: `${MODULE}.g_idx`, dataType: "I32" as const, shape: [32], data }];
    expect(() => readWith({}, { other })).toThrow(`${MODULE}: g_idx names group 3 of 1`);
  });

  it("read scales that fp16 does not hold as numbers", () => {
    const data = new Uint8Array(Float32Array.from({ length: 32 }, () => 1 / 3).buffer);
    const other = [{ name: `${MODULE}.scales`, dataType: "F32" as const, shape: [1, 32], data }];
    expect(readWith({}, { other })).toMatchObject({ kind: "dense" });
  });
});

describe("settings of GPTQ", () => {
  it("name each module's scheme and those that stay as they are", () => {
    const of4 = { bits: 4, groupSize: 32, symmetric: true, columns: 64 } as const;
    const of2 = { bits: 2, groupSize: null, symmetric: false, columns: 64 } as const;
    const schemes = new Map<string, ModuleScheme>([
      ["model.layers.0.mlp.up_proj", of4],
      ["model.layers.1.mlp.up_proj", of4],
      ["model.layers.10.mlp.up_proj", of2],
    ]);
    const { quantization_config: block } = gptqV2Writer.config(schemes, [
      "model.layers.1.mlp.gate_proj",
      "lm_head",
    ]);
    expect(block).toEqual({
      quant_method: "gptq",
      bits: 4,
      group_size: 32,
      sym: true,
      desc_act: false,
      lm_head: false,
      format: "gptq_v2",
      checkpoint_format: "gptq_v2",
      pack_dtype: "int32",
      dynamic: {
        [String.raw`+:^model\.layers\.10\.mlp\.up_proj$`]: { bits: 2, group_size: -1, sym: false },
        [String.raw`-:^model\.layers\.1\.mlp\.gate_proj$`]: {},
      },
      modules_in_block_to_quantize: [["mlp.up_proj"]],
      meta: { quantizer: ["bitmend"] },
    });
    const found = layoutOf(block);
    for (const [module, { columns: _, ...scheme }] of schemes)
      expect(found?.(module)?.scheme).toEqual(scheme);
    for (const kept of ["model.layers.1.mlp.gate_proj", "lm_head", "model.embed_tokens"])
      expect(found?.(kept)).toBeNull();
  });

  it("name what is quantized in every layer, if the rest is dense in every layer", () => {
    const scheme = { bits: 4, groupSize: 32, symmetric: true, columns: 64 } as const;
    const schemes = new Map([0, 1].map((layer) => [`model.layers.${layer}.mlp.up_proj`, scheme]));
    const settingsOf = (kept: readonly string[]): unknown =>
      gptqWriter.config(schemes, kept)["quantization_config"];
    expect(settingsOf(["model.layers.0.mlp.gate_proj", "model.layers.1.mlp.gate_proj"])).toMatchObject({
      modules_in_block_to_quantize: [["mlp.up_proj"]],
    });
    expect(settingsOf(["model.layers.2.mlp.up_proj"])).not.toHaveProperty("modules_in_block_to_quantize");
    expect(settingsOf(["lm_head"])).not.toHaveProperty("modules_in_block_to_quantize");
  });

  it("read as GPTQModel reads them", () => {
    const dynamic = {
      [String.raw`-:.*\.0\..*gate.*`]: {},
      [String.raw`.*\.0\.`]: { bits: 8, group_size: -1 },
      ".*head": { bits: 2 },
    };
    const found = layoutOf(
      settings({
        dynamic,
        lm_head: true,
        sym: false,
        modules_in_block_to_quantize: [["mlp.gate_proj"], ["mlp.up_proj"]],
      }),
    );
    expect(found?.("model.layers.0.mlp.gate_proj")).toBeNull();
    expect(found?.("model.layers.0.mlp.up_proj")?.scheme).toEqual({
      bits: 8,
      groupSize: null,
      symmetric: false,
    });
    expect(found?.("model.layers.1.mlp.up_proj")?.scheme).toEqual({
      bits: 4,
      groupSize: 32,
      symmetric: false,
    });
    expect(found?.("model.layers.1.mlp.down_proj")).toBeNull();
    expect(found?.("lm_head")?.scheme).toEqual({ bits: 2, groupSize: 32, symmetric: false });
  });

  it("may stand in quantize_config.json alone, or agree with it", () => {
    const path = join(directory, "quantize_config.json");
    writeFileSync(path, JSON.stringify({ bits: 3, group_size: 64, desc_act: false }));
    try {
      const alone = gptqReader.layouts({}, join(directory, "config.json"));
      expect(alone?.(MODULE)?.scheme).toEqual({ bits: 3, groupSize: 64, symmetric: true });
      expect(() => layoutOf(settings())).toThrow(
        "quantization_config.bits: 4, but 3 in quantize_config.json; quantization_config.group_size: 32, but 64 in quantize_config.json",
      );
      expect(gptqReader.layouts({ quantization_config: { quant_method: "awq" } }, path)).toBeNull();
    } finally {
      rmSync(path);
    }
  });

  it("name everything that is not supported", () => {
    const changes = {
      bits: 6,
      pack_dtype: "int16",
      checkpoint_format: "gptq_p",
      format: null,
      dynamic: { "(?=a)": {} },
      rotation: "hadamard",
    };
    expect(() => layoutOf(settings(changes))).toThrow(
      expect.objectContaining({
        code: "checkpoint/unsupported-quantization",
        message: expect.stringMatching(/bits: 6.*pack_dtype: "int16".*"gptq_p".*rotation.*\(\?=a\)/u),
      }),
    );
  });

  it("are another format's if they say so", () => {
    expect(layoutOf({ quant_method: "compressed-tensors" })).toBeNull();
    expect(gptqReader.layouts({}, join(directory, "config.json"))).toBeNull();
  });
});
