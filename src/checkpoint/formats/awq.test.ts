import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, boolean, constantFrom, integer, property, record } from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { anyMatrix, MODULE, readTensors, throughFile } from "../../../test/stored-module.ts";
import { awqReader, awqWriter } from "./awq.ts";
import type { ModuleScheme } from "./weight-format.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-awq-"));
afterAll(() => rmSync(directory, { recursive: true }));

const shape = { bits: 4, rows: 16, groupSize: 16, groups: 2, symmetric: true } as const;

function layoutOf(block: Readonly<Record<string, unknown>>): ReturnType<typeof awqReader.layouts> {
  return awqReader.layouts({ quantization_config: { quant_method: "awq", ...block } }, "config.json");
}

describe("AWQ files", () => {
  it("interleave eight outputs in a word (worked example)", () => {
    // One input; output o has code o: nibbles from the lowest are outputs 0 2 4 6 1 3 5 7.
    const codes = Uint8Array.from({ length: 8 }, (_, output) => output);
    const matrix = { ...anyMatrix({ ...shape, rows: 8, groupSize: 1, groups: 1 }), codes };
    const [words, zeros] = awqWriter.tensors(MODULE, matrix) ?? [];
    expect(words?.data).toEqual(Uint8Array.of(0x20, 0x64, 0x31, 0x75));
    expect(zeros?.data).toEqual(Uint8Array.of(0x88, 0x88, 0x88, 0x88));
  });

  it("come back bit for bit", () => {
    const drawn = record({
      bits: constantFrom(4 as const),
      rows: integer({ min: 1, max: 9 }).map((count) => 8 * count),
      groupSize: constantFrom(16, 32, 64, 128),
      groups: integer({ min: 1, max: 4 }),
      symmetric: boolean(),
    });
    const roundTrip = property(drawn, (given) => {
      const matrix = anyMatrix(given);
      expect(awqWriter.inexact(matrix)).toBeNull();
      // The files hold zero points of a symmetric grid too, and do not say that it is one.
      expect(throughFile(matrix, { directory, reader: awqReader, writer: awqWriter })).toEqual({
        kind: "quantized",
        matrix: { ...matrix, symmetric: false },
      });
    });
    expect(() => assert(roundTrip, { numRuns: 30 })).not.toThrow();
  });

  it("of settings without zero points may lack them, and must not have others", () => {
    const config = {
      quantization_config: { quant_method: "awq", bits: 4, group_size: 16, zero_point: false },
    };
    const read = (symmetric: boolean, part: string): unknown => {
      const matrix = anyMatrix({ ...shape, symmetric });
      const tensors = (awqWriter.tensors(MODULE, matrix) ?? []).filter(({ name }) => !name.endsWith(part));
      return readTensors(directory, { reader: awqReader, config, tensors, shape: matrix });
    };
    const expected = { kind: "quantized", matrix: anyMatrix(shape) };
    expect([read(true, "no"), read(true, "qzeros"), read(false, "qzeros")]).toEqual([
      expected,
      expected,
      expect.anything(),
    ]);
    expect(() => read(false, "no")).toThrow(
      /qzeros hold a zero point of \d+, and "zero_point": false means 8/u,
    );
  });

  it.each([
    [{ ...shape, bits: 3 }, "AWQ files have 4 bits, not 3"],
    [{ ...shape, groupSize: 24 }, "AWQ readers take groups of 16, 32, 64, 128 or a whole row, not of 24"],
    [{ ...shape, rows: 12 }, "AWQ packs 8 output features together, which do not divide 12"],
  ] as const)("are not written for %o", (given, reason) => {
    const matrix = anyMatrix(given);
    expect(awqWriter.inexact(matrix)).toBe(reason);
    expect(awqWriter.tensors(MODULE, matrix)).toBeNull();
  });
});

describe("settings of AWQ", () => {
  it("hold one group size for the whole model", () => {
    const scheme = { bits: 4, groupSize: 32, symmetric: false, columns: 64 } as const;
    const schemes = new Map<string, ModuleScheme>([
      ["model.layers.0.mlp.up_proj", scheme],
      ["model.layers.0.mlp.down_proj", { ...scheme, groupSize: null }],
    ]);
    expect(() => awqWriter.config(schemes, [])).toThrow(
      "got 32 (model.layers.0.mlp.up_proj), a whole row (model.layers.0.mlp.down_proj)",
    );
  });

  it("know no low-bit embedding or head", () => {
    const scheme = { bits: 4, groupSize: 32, symmetric: false, columns: 64 } as const;
    expect(() => awqWriter.config(new Map([["lm_head", scheme]]), [])).toThrow(
      "got low-bit lm_head. compressed-tensors, mlx and gguf hold them.",
    );
  });

  it("name what stays as it is by parts of names", () => {
    const found = layoutOf({
      bits: 4,
      group_size: 128,
      zero_point: true,
      version: "GEMM",
      modules_to_not_convert: ["self_attn", "0.mlp.up"],
      dynamic: { [String.raw`-:.*\.2\.`]: {} },
    });
    expect(found?.("model.layers.1.mlp.up_proj")?.scheme).toEqual({
      bits: 4,
      groupSize: 128,
      symmetric: false,
    });
    for (const kept of [
      "model.layers.1.self_attn.q_proj",
      "model.layers.0.mlp.up_proj",
      "model.layers.2.mlp.up_proj",
      "lm_head",
      "model.embed_tokens",
    ]) {
      expect(found?.(kept)).toBeNull();
    }
  });

  it("name everything that is not supported", () => {
    expect(() =>
      layoutOf({ bits: 3, group_size: 0, version: "gemv", modules_to_not_convert: [""], dynamic: { a: {} } }),
    ).toThrow(/bits: 3.*group_size.*modules_to_not_convert.*dynamic.*version: "gemv"/u);
  });
});
