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
 * of June 2026; before, 3-bit words held ten codes each (2, 4 and 8 bits are the same in both).
 */
import { float32ToFloat16 } from "../half-floats.ts";
import { packRows, unpackRows, wordsPerRun } from "../packed-integers.ts";
import type { QuantizedMatrix } from "../quantized-matrix.ts";
import { readFloat32 } from "../read-float32.ts";
import { readTensorBytes, type TensorToWrite } from "../safetensors.ts";
import { storedWeight } from "../stored-weight.ts";
import { transpose } from "../transpose.ts";
import { readWords, transposedCodes, wordTensor, zeroPointsByGroup } from "./grouped-tensors.ts";
import type { QuantizationScheme } from "./quantization-config.ts";
import type { ExpectedPart, ModuleLayout } from "./weight-format.ts";

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

/** How a module of `scheme` lies in the file; reads what {@link packedTensors} writes, bit for bit. */
export function packQuantized(scheme: QuantizationScheme): ModuleLayout {
  const { bits, symmetric } = scheme;
  return {
    scheme,
    parts: ({ rows, columns }) => {
      const groups = columns / (scheme.groupSize ?? columns);
      const parts = new Map<string, ExpectedPart>([
        ["weight_packed", { shape: [rows, wordsPerRun(columns, bits)], dataTypes: ["I32"] }],
        ["weight_scale", { shape: [rows, groups], dataTypes: ["F16", "BF16", "F32"] }],
        ["weight_shape", { shape: [2], dataTypes: ["I64"] }],
      ]);
      if (!symmetric) {
        parts.set("weight_zero_point", { shape: [wordsPerRun(rows, bits), groups], dataTypes: ["I32"] });
      }
      return parts;
    },
    contradiction: (part, { rows, columns }) => {
      const stored = new BigInt64Array(readTensorBytes(part("weight_shape")!).buffer);
      if (stored[0] === BigInt(rows) && stored[1] === BigInt(columns)) return null;
      return `weight_shape says [${stored.join(", ")}] and config.json [${rows}, ${columns}]`;
    },
    read: (part, { rows, columns }) => {
      const groupSize = scheme.groupSize ?? columns;
      const groups = columns / groupSize;
      const codes = unpackRows(readWords(part("weight_packed")!), { rows, columns, bits });
      const scales = readFloat32(part("weight_scale")!);
      const packedZeroPoints = part("weight_zero_point");
      const zeroPoints =
        symmetric || packedZeroPoints === null
          ? new Uint8Array(rows * groups).fill(2 ** (bits - 1))
          : unpackZeroPoints(readWords(packedZeroPoints), { rows, groups, bits });
      return storedWeight({ bits, rows, columns, groupSize, symmetric, codes, scales, zeroPoints });
    },
  };
}

function unpackZeroPoints(
  packed: Int32Array<ArrayBuffer>,
  { rows, groups, bits }: { rows: number; groups: number; bits: QuantizedMatrix["bits"] },
): Uint8Array<ArrayBuffer> {
  const alongOut = transpose(packed, new Int32Array(packed.length), {
    rows: wordsPerRun(rows, bits),
    columns: groups,
  });
  const zeroPoints = unpackRows(alongOut, { rows: groups, columns: rows, bits });
  return transposedCodes(zeroPoints, { rows: groups, columns: rows });
}

function bytesOf(values: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
