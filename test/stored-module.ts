/** @file Low-bit modules through a file: what a writer writes or a test makes up, found and read as a model directory's are. */
import { join } from "node:path";
import type {
  WeightFormatReader,
  WeightFormatWriter,
  WeightShape,
} from "../src/checkpoint/formats/weight-format.ts";
import type { QuantizedMatrix } from "../src/checkpoint/quantized-matrix.ts";
import { findQuantizedModules } from "../src/checkpoint/quantized-modules.ts";
import {
  readSafetensorsHeader,
  writeSafetensors,
  type TensorToWrite,
} from "../src/checkpoint/safetensors.ts";
import type { StoredWeight } from "../src/checkpoint/stored-weight.ts";
import { randomStream } from "../src/util/random.ts";
import { randomMatrix } from "./random-model.ts";

/** Of the module that these functions write and read. */
export const MODULE = "model.layers.0.mlp.down_proj";

/** A random matrix with scales of any size and sign that fp16 holds; equal arguments give equal matrices. */
export function anyMatrix({
  groups,
  rows,
  ...grid
}: Pick<QuantizedMatrix, "bits" | "rows" | "groupSize" | "symmetric"> & {
  readonly groups: number;
}): QuantizedMatrix {
  const { bits, groupSize } = grid;
  const matrix = randomMatrix(
    { name: MODULE, outFeatures: rows, inFeatures: groups * groupSize },
    grid,
    bits,
  );
  const random = randomStream("scales", bits, rows, groupSize, groups);
  return { ...matrix, scales: matrix.scales.map(() => Math.f16round(random.normal() + 2 ** -20)) };
}

/** Writes the tensors to `directory` and reads {@link MODULE} by the settings; throws an Error with every complaint. */
export function readTensors(
  directory: string,
  {
    reader,
    config,
    tensors,
    shape,
  }: {
    reader: WeightFormatReader;
    config: Readonly<Record<string, unknown>>;
    tensors: readonly TensorToWrite[];
    shape: WeightShape;
  },
): StoredWeight {
  const path = join(directory, "model.safetensors");
  writeSafetensors(path, tensors);
  const layoutOf = reader.layouts(config, join(directory, "config.json"));
  if (layoutOf === null) throw new Error(`${reader.name} does not know these settings`);
  const found = findQuantizedModules(new Map([[`${MODULE}.weight`, [shape.rows, shape.columns]]]), {
    format: reader.name,
    layoutOf,
    tensors: readSafetensorsHeader(path).tensors,
  });
  const module = found.modules.get(MODULE);
  if (module === undefined) throw new Error(found.offences.join("; "));
  return module.read();
}

/** What becomes of a matrix that is written and read. */
export function throughFile(
  matrix: QuantizedMatrix,
  {
    directory,
    reader,
    writer,
  }: { directory: string; reader: WeightFormatReader; writer: WeightFormatWriter },
): StoredWeight {
  const { bits, rows, columns, groupSize, symmetric } = matrix;
  const scheme = { bits, groupSize: groupSize === columns ? null : groupSize, symmetric, columns };
  const tensors = writer.tensors(MODULE, matrix);
  if (tensors === null) throw new Error(`not written: ${writer.inexact(matrix)}`);
  const config = writer.config(new Map([[MODULE, scheme]]), ["lm_head"]);
  return readTensors(directory, { reader, config, tensors, shape: { rows, columns } });
}
