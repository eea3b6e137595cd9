import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, boolean, constantFrom, integer, property, record } from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { anyMatrix, MODULE, throughFile } from "../../../test/stored-module.ts";
import { dequantize } from "../dequantize.ts";
import { denseValues } from "../stored-weight.ts";
import type { TensorToWrite } from "../safetensors.ts";
import { mlxReader, mlxWriter } from "./mlx.ts";
import type { ModuleScheme } from "./weight-format.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-mlx-"));
afterAll(() => rmSync(directory, { recursive: true }));

const shape = { bits: 4, rows: 1, groupSize: 32, groups: 1, symmetric: true } as const;

function layoutOf(block: unknown): ReturnType<typeof mlxReader.layouts> {
  return mlxReader.layouts({ quantization: block }, "config.json");
}

function bytesOf(tensor: TensorToWrite | undefined): Uint8Array<ArrayBuffer> {
  const data = tensor?.data;
  return data instanceof Uint8Array ? data.slice() : new Uint8Array();
}

describe("MLX files", () => {
  it("hold scale and bias (worked example)", () => {
    // (u - 8) · 0.5 = 0.5 · u - 4; the first eight codes fill the first word from its lowest nibble.
    const codes = Uint8Array.from({ length: 32 }, (_, column) => column % 16);
    const matrix = { ...anyMatrix(shape), codes, scales: Float32Array.of(0.5) };
    const [weight, scales, biases] = mlxWriter.tensors(MODULE, matrix) ?? [];
    expect(weight).toMatchObject({ name: `${MODULE}.weight`, dataType: "U32", shape: [1, 4] });
    expect(bytesOf(weight).subarray(0, 4)).toEqual(Uint8Array.of(0x10, 0x32, 0x54, 0x76));
    expect([...new Float16Array(bytesOf(scales).buffer)]).toEqual([0.5]);
    expect([...new Float16Array(bytesOf(biases).buffer)]).toEqual([-4]);
  });

  it("come back bit for bit where fp16 holds every bias, negative scales included", () => {
    const drawn = record({
      bits: constantFrom(2 as const, 3 as const, 4 as const, 5 as const, 6 as const, 8 as const),
      rows: integer({ min: 1, max: 20 }),
      groupSize: constantFrom(32, 64, 128),
      groups: integer({ min: 1, max: 3 }),
      symmetric: boolean(),
    });
    let exact = 0;
    const roundTrip = property(drawn, (given) => {
      const random = anyMatrix(given);
      // Symmetric: any scale. Asymmetric: eight bits of scale and of zero point make eleven only sometimes.
      const scales = given.symmetric
        ? random.scales
        : random.scales.map((scale) => Math.round(scale * 8) / 8);
      const matrix = { ...random, scales };
      if (mlxWriter.inexact(matrix) !== null || scales.includes(0)) return;
      exact += 1;
      expect(throughFile(matrix, { directory, reader: mlxReader, writer: mlxWriter })).toEqual({
        kind: "quantized",
        matrix: { ...matrix, symmetric: false },
      });
    });
    expect(() => assert(roundTrip, { numRuns: 60 })).not.toThrow();
    expect(exact).toBeGreaterThan(20);
  });

  it("round a bias once where fp16 does not hold it, and say so before", () => {
    const scale = 1 + 2 ** -10;
    const zeroPoints = Uint8Array.of(7);
    const matrix = {
      ...anyMatrix({ ...shape, symmetric: false }),
      scales: Float32Array.of(scale),
      zeroPoints,
    };
    expect(mlxWriter.inexact(matrix)).toBe(
      "MLX holds a bias in fp16 for the zero point, and 7 · 1.0009765625 of group 0 would be rounded",
    );
    const weight = throughFile(matrix, { directory, reader: mlxReader, writer: mlxWriter });
    const bias = -Math.f16round(7 * scale);
    const expected = [...matrix.codes].map((code) => Math.fround(code * scale + bias));
    expect(weight).toEqual({ kind: "dense", values: Float32Array.from(expected) });
  });

  it("hold any zero point of a group of zeros", () => {
    const matrix = { ...anyMatrix(shape), scales: Float32Array.of(0) };
    expect(throughFile(matrix, { directory, reader: mlxReader, writer: mlxWriter })).toEqual({
      kind: "quantized",
      matrix: { ...matrix, symmetric: false },
    });
  });

  it("split larger groups, which changes no weight", () => {
    for (const groupSize of [96, 256, 320]) {
      const matrix = anyMatrix({ ...shape, rows: 3, groupSize, groups: 2 });
      expect(mlxWriter.inexact(matrix)).toBeNull();
      const weight = throughFile(matrix, { directory, reader: mlxReader, writer: mlxWriter });
      expect(denseValues(weight)).toEqual(dequantize(matrix));
    }
  });

  it("have no groups of 48", () => {
    const matrix = anyMatrix({ ...shape, groupSize: 48 });
    expect(mlxWriter.inexact(matrix)).toBe("MLX has groups of 32, 64 and 128, which do not divide one of 48");
    expect(mlxWriter.tensors(MODULE, matrix)).toBeNull();
  });
});

describe("settings of MLX", () => {
  it("name modules whose scheme is not the most frequent", () => {
    const of4 = { bits: 4, groupSize: 64, symmetric: true, columns: 128 } as const;
    const of3 = { bits: 3, groupSize: null, symmetric: true, columns: 96 } as const;
    const schemes = new Map<string, ModuleScheme>([
      ["model.embed_tokens", of4],
      ["model.layers.0.mlp.up_proj", of4],
      ["model.layers.1.mlp.up_proj", of3],
    ]);
    const config = mlxWriter.config(schemes, []);
    const quantization = {
      group_size: 64,
      bits: 4,
      mode: "affine",
      "model.layers.1.mlp.up_proj": { group_size: 32, bits: 3 },
    };
    expect(config).toEqual({ quantization, quantization_config: quantization });
    const found = mlxReader.layouts(config, "config.json");
    const schemeOf = (module: string): unknown => found?.(module)?.scheme;
    expect(schemeOf("model.embed_tokens")).toEqual({ bits: 4, groupSize: 64, symmetric: false });
    expect(schemeOf("model.layers.1.mlp.up_proj")).toEqual({ bits: 3, groupSize: 32, symmetric: false });
  });

  it("may keep a module, or repeat the default", () => {
    const found = layoutOf({ group_size: 64, bits: 6, "model.layers.0.mlp.up_proj": false, lm_head: true });
    expect(found?.("model.layers.0.mlp.up_proj")).toBeNull();
    expect(found?.("lm_head")?.scheme).toEqual({ bits: 6, groupSize: 64, symmetric: false });
  });

  it("name everything that is not supported", () => {
    expect(() => layoutOf({ group_size: 16, bits: 7, mode: "mxfp4", lm_head: { bits: 1 } })).toThrow(
      /group_size: 16.*bits.*mode: "mxfp4".*lm_head\.group_size.*lm_head\.bits/u,
    );
    expect(() =>
      mlxReader.layouts(
        { quantization: { group_size: 64, bits: 4 }, quantization_config: { quant_method: "gptq" } },
        "config.json",
      ),
    ).toThrow('quantization_config says "gptq"');
  });

  it("are another format's if they are not there", () => {
    expect(layoutOf(null)).toBeNull();
  });
});
