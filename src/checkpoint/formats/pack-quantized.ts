/**
 * @file Weights of compressed-tensors `pack-quantized`.
 *
 * Per linear layer X ([out, in] codes of `bits` bits, groups along `in`):
 *
 *     X.weight_packed      I32 [out, ceil(in·bits/32)]         dense bit stream per row, unsigned codes
 *     X.weight_scale       F16 [out, in/groupSize]             one column when per channel
 *     X.weight_shape       I64 [2]                             (out, in)
 *     X.weight_zero_point  I32 [ceil(out·bits/32), in/groupSize]  asymmetric only, packed along `out`
 *
 * Source: {@link https://github.com/vllm-project/compressed-tensors} 0.20, `compressors/pack_quantized`. The packer is the dense one
 * of version 0.18; before, words of 3, 5 and 6 bits held 10, 6 and 5 codes each (2, 4 and 8 bits are the same in both). Both are read.
 */
import { float32ToFloat16 } from "../half-floats.ts";
import { packRows, unpackRows, wordsPerRun } from "../packed-integers.ts";
import type { Bits, QuantizedMatrix } from "../quantized-matrix.ts";
import { readFloat32 } from "../read-float32.ts";
import { readTensorBytes, type TensorLocation, type TensorToWrite } from "../safetensors.ts";
import { storedWeight } from "../stored-weight.ts";
import { transpose } from "../transpose.ts";
import { groupOutOfRange, weightByColumnGroups } from "./column-groups.ts";
import { readWords, transposedCodes, wordTensor, zeroPointsByGroup } from "./grouped-tensors.ts";
import type { Packer, QuantizationScheme } from "./quantization-config.ts";
import type { ExpectedPart, ModuleLayout, PartOf, WeightShape } from "./weight-format.ts";

/** The tensors of one quantized layer. */
export function packedTensors(module: string, matrix: QuantizedMatrix): TensorToWrite[] {
  const { bits, rows, columns, groupSize, symmetric } = matrix;
  const groups = columns / groupSize;
  const tensors: TensorToWrite[] = [
    wordTensor(
      `${module}.weight_packed`,
      [rows, wordsPerRun(columns, bits)],
      packRows(matrix.codes, { rows, columns, bits }),
    ),
    {
      name: `${module}.weight_scale`,
      dataType: "F16",
      shape: [rows, groups],
      data: bytesOf(float32ToFloat16(matrix.scales)),
    },
    {
      name: `${module}.weight_shape`,
      dataType: "I64",
      shape: [2],
      data: bytesOf(BigInt64Array.of(BigInt(rows), BigInt(columns))),
    },
  ];
  if (!symmetric) {
    const words = wordsPerRun(rows, bits);
    const packed = packRows(zeroPointsByGroup(matrix), { rows: groups, columns: rows, bits });
    const alongOut = transpose(packed, new Int32Array(packed.length), { rows: groups, columns: words });
    tensors.push(wordTensor(`${module}.weight_zero_point`, [words, groups], alongOut));
  }
  return tensors;
}

/**
 * How a module of `scheme` lies in the file; reads what {@link packedTensors} writes, bit for bit.
 *
 * `packer` decides where the number of words does not.
 */
export function packQuantized(scheme: QuantizationScheme, packer: Packer = "dense"): ModuleLayout {
  const { bits, symmetric } = scheme;
  return {
    scheme,
    parts: (shape) => packedParts(shape, scheme),
    contradiction: (part, { rows, columns }) => {
      const stored = new BigInt64Array(readTensorBytes(part("weight_shape")!).buffer);
      if (stored[0] !== BigInt(rows) || stored[1] !== BigInt(columns))
        return `weight_shape says [${stored.join(", ")}] and config.json [${rows}, ${columns}]`;
      const groups = columns / (scheme.groupSize ?? columns);
      const groupOf = groupIndices(part);
      const outside = groupOf === null ? undefined : groupOutOfRange(groupOf, groups);
      return outside === undefined
        ? null
        : `weight_g_idx names group ${outside} and config.json has ${groups} groups`;
    },
    read: (part, { rows, columns }) => {
      const groupSize = scheme.groupSize ?? columns;
      const groups = columns / groupSize;
      const codes = unpack(readWords(part("weight_packed")!), { runs: rows, length: columns, bits, packer });
      const scales = readFloat32(part("weight_scale")!);
      const packedZeroPoints = part("weight_zero_point");
      const zeroPoints =
        symmetric || packedZeroPoints === null
          ? new Uint8Array(rows * groups).fill(2 ** (bits - 1))
          : unpackZeroPoints(packedZeroPoints, { rows, groups, bits, packer });
      const matrix = { bits, rows, columns, groupSize, symmetric, codes, scales, zeroPoints };
      const groupOf = groupIndices(part);
      return groupOf === null ? storedWeight(matrix) : weightByColumnGroups(matrix, groupOf);
    },
  };
}

function packedParts(
  { rows, columns }: WeightShape,
  { bits, groupSize, symmetric }: QuantizationScheme,
): Map<string, ExpectedPart> {
  const groups = columns / (groupSize ?? columns);
  const packed = {
    shape: [rows, wordsPerRun(columns, bits)],
    otherShape: [rows, looseWords(columns, bits)],
    dataTypes: ["I32"],
  };
  const parts = new Map<string, ExpectedPart>([
    ["weight_packed", packed],
    ["weight_scale", { shape: [rows, groups], dataTypes: ["F16", "BF16", "F32"] }],
    ["weight_shape", { shape: [2], dataTypes: ["I64"] }],
    ["weight_g_idx", { shape: [columns], dataTypes: ["I32"], required: false }],
  ]);
  if (!symmetric) {
    parts.set("weight_zero_point", {
      shape: [wordsPerRun(rows, bits), groups],
      otherShape: [looseWords(rows, bits), groups],
      dataTypes: ["I32"],
    });
  }
  return parts;
}

/** The group of each column where they do not follow each other (activation order without static groups, written until August 2026). */
function groupIndices(part: PartOf): Int32Array | null {
  const tensor = part("weight_g_idx");
  return tensor === null ? null : readWords(tensor);
}

/** Words of a run whose codes never cross a word, as the packer had it until June 2026. */
function looseWords(length: number, bits: Bits): number {
  return Math.ceil(length / Math.floor(32 / bits));
}

/** Unpacks runs of either packer, told apart by the number of words; `packer` decides for short runs, which have as many in both. */
function unpack(
  words: Int32Array<ArrayBuffer>,
  { runs, length, bits, packer }: { runs: number; length: number; bits: Bits; packer: Packer },
): Uint8Array<ArrayBuffer> {
  const isLoose = packer === "loose" && words.length === runs * looseWords(length, bits);
  if (!isLoose && words.length === runs * wordsPerRun(length, bits))
    return unpackRows(words, { rows: runs, columns: length, bits });
  const codesPerWord = Math.floor(32 / bits);
  const padded = unpackRows(words, { rows: words.length, columns: codesPerWord, bits });
  const paddedLength = padded.length / runs;
  const codes = new Uint8Array(runs * length);
  for (let run = 0; run < runs; run++)
    codes.set(padded.subarray(run * paddedLength, run * paddedLength + length), run * length);
  return codes;
}

function unpackZeroPoints(
  tensor: TensorLocation,
  { rows, groups, bits, packer }: { rows: number; groups: number; bits: Bits; packer: Packer },
): Uint8Array<ArrayBuffer> {
  const packed = readWords(tensor);
  const alongOut = transpose(packed, new Int32Array(packed.length), {
    rows: packed.length / groups,
    columns: groups,
  });
  const zeroPoints = unpack(alongOut, { runs: groups, length: rows, bits, packer });
  return transposedCodes(zeroPoints, { rows: groups, columns: rows });
}

function bytesOf(values: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
