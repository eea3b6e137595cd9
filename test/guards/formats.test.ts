import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chooseType } from "../../src/checkpoint/formats/gguf/blocks-of-matrix.ts";
import type { WeightFormatWriter } from "../../src/checkpoint/formats/weight-format.ts";
import { weightFormatWriters } from "../../src/checkpoint/formats/weight-formats.ts";
import type { QuantizedMatrix } from "../../src/checkpoint/quantized-matrix.ts";
import type { StoredWeight } from "../../src/checkpoint/stored-weight.ts";
import { refuseUnsupported } from "../../src/models/onnx-model/store-weights.ts";
import { openModel } from "../../src/models/open-model.ts";
import { exportFormats } from "../../src/verbs/export.ts";
import { randomMatrix, type RandomGrid } from "../random-model.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/formats.md"), "utf8");

/** A matrix of the kind, with every code, every zero point, and scales of all bits. */
function matrixOf(grid: RandomGrid): QuantizedMatrix {
  const matrix = randomMatrix({ name: "linear", outFeatures: 64, inFeatures: 512 }, grid, 7);
  const scales = matrix.scales.map((scale) => Math.f16round(scale * 1.234_5));
  return {
    ...matrix,
    scales,
    zeroPoints: matrix.zeroPoints.with(0, grid.symmetric ? 2 ** (grid.bits - 1) : 0),
  };
}

function inWeightFormat(writer: WeightFormatWriter, matrix: QuantizedMatrix): string {
  if (writer.inexact(matrix) === null) return "exact";
  return writer.tensors("linear", matrix) === null ? "-" : "lossy";
}

function inGguf(matrix: QuantizedMatrix): string {
  const { type, inexact } = chooseType(matrix);
  return `${inexact === null ? "exact" : "lossy"} ${type.name}`;
}

const pocket = openModel(join(import.meta.dirname, "../../models/pocket-small"));

function inOnnx(matrix: QuantizedMatrix): string {
  const { rows, columns, bits, groupSize, symmetric, activations } = matrix;
  const scheme = { bits, groupSize, symmetric, ...(activations === undefined ? {} : { activations }) };
  const name = "model.layers.0.mlp.up_proj";
  const read = (): StoredWeight => ({ kind: "quantized", matrix });
  const module = { name, scheme, rows, columns, format: "test", bytes: 0, read };
  try {
    refuseUnsupported({ ...pocket, quantization: new Map([[name, module]]) });
    return "exact";
  } catch {
    return "-";
  }
}

/** Rows of the table after a heading: its first cell, then the others without the marks of footnotes. */
function tableAfter(heading: string): Map<string, readonly string[]> {
  const section = page.split(`\n${heading}\n`)[1]?.split(/\n#+ /u)[0] ?? "";
  const rows = [...section.matchAll(/^\| (?<row>.+) \|$/gmu)].map(({ groups }) =>
    groups!["row"]!.split("|").map((cell) => cell.replaceAll(/[`¹²³⁴⁵⁶]/gu, "").trim()),
  );
  return new Map(rows.filter((row) => !row[0]!.startsWith("--")).map(([first, ...cells]) => [first!, cells]));
}

/** `4 bits, symmetric, groups of 64` and the like. */
function gridOf(words: string): RandomGrid {
  const bits = ([2, 3, 4, 5, 6, 8] as const).find((width) => words.startsWith(`${width} bits`));
  const symmetric = words.includes(" symmetric");
  if (bits === undefined || symmetric === words.includes("asymmetric")) throw new Error(words);
  const groupSize = Number(/groups of (?<size>\d+)/u.exec(words)?.groups?.["size"] ?? NaN);
  const activations = words.includes("8-bit activations") ? { activations: "int8-per-token" as const } : {};
  return {
    bits,
    symmetric,
    groupSize: words.includes("whole rows") ? null : groupSize || 64,
    ...activations,
  };
}

test("the table of exact combinations is what the writers say", () => {
  const table = tableAfter("## What is exact where");
  const { weights: formats, ...rows } = Object.fromEntries(table);
  expect(formats).toEqual(exportFormats);
  expect(Object.keys(rows).length).toBeGreaterThan(12);
  const said = Object.entries(rows).map(([words, cells]) => [words, ...cells]);
  const meant = Object.keys(rows).map((words) => {
    const matrix = matrixOf(gridOf(words));
    const inSafetensors = Object.values(weightFormatWriters).map((writer) => inWeightFormat(writer, matrix));
    return [words, ...inSafetensors, inGguf(matrix), inOnnx(matrix)];
  });
  expect(said).toEqual(meant);
});
