/**
 * @file Low-bit weights on disk: compressed-tensors `pack-quantized`, the form vLLM and transformers load.
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
import { BitmendError } from "../../util/errors.ts";
import { bfloat16ToFloat32, float16ToFloat32, float32ToFloat16 } from "../half-floats.ts";
import { packRows, unpackRows, wordsPerRun } from "../packed-integers.ts";
import type { QuantizedMatrix } from "../quantized-matrix.ts";
import { readTensorBytes, type TensorLocation, type TensorToWrite } from "../safetensors.ts";
import type { QuantizationScheme } from "./quantization-config.ts";

/** One quantized linear layer of a checkpoint: its scheme and where its parts lie. */
export interface QuantizedModule {
  readonly name: string;
  readonly scheme: QuantizationScheme;
  /** Output features. */
  readonly rows: number;
  /** Input features. */
  readonly columns: number;
  readonly packed: TensorLocation;
  readonly scale: TensorLocation;
  /** `null` when symmetric. */
  readonly zeroPoint: TensorLocation | null;
}

/** The tensors of one quantized layer. Scales must be exact in fp16, as `QuantizedMatrix` promises. */
export function packedTensors(module: string, matrix: QuantizedMatrix): TensorToWrite[] {
  const { bits, rows, columns, groupSize, symmetric } = matrix;
  const groups = columns / groupSize;
  refuseInexactScales(module, matrix);
  const tensors: TensorToWrite[] = [
    {
      name: `${module}.weight_packed`,
      dataType: "I32",
      shape: [rows, wordsPerRun(columns, bits)],
      data: bytesOf(packRows(matrix.codes, { rows, columns, bits })),
    },
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
    const alongOut = transpose(matrix.zeroPoints, new Uint8Array(rows * groups), { rows, columns: groups });
    const packed = packRows(alongOut, { rows: groups, columns: rows, bits });
    tensors.push({
      name: `${module}.weight_zero_point`,
      dataType: "I32",
      shape: [words, groups],
      data: bytesOf(transpose(packed, new Int32Array(packed.length), { rows: groups, columns: words })),
    });
  }
  return tensors;
}

/** Names and shapes of the tensors of a layer, as {@link packedTensors} writes them. */
export function packedShapes(
  module: string,
  { rows, columns, scheme }: { rows: number; columns: number; scheme: QuantizationScheme },
): Map<string, readonly number[]> {
  const groups = columns / (scheme.groupSize ?? columns);
  const shapes = new Map<string, readonly number[]>([
    [`${module}.weight_packed`, [rows, wordsPerRun(columns, scheme.bits)]],
    [`${module}.weight_scale`, [rows, groups]],
    [`${module}.weight_shape`, [2]],
  ]);
  if (!scheme.symmetric) shapes.set(`${module}.weight_zero_point`, [wordsPerRun(rows, scheme.bits), groups]);
  return shapes;
}

/** Reads and unpacks one layer; the inverse of {@link packedTensors}, bit for bit. */
export function readPackedMatrix(module: QuantizedModule): QuantizedMatrix {
  const { rows, columns, scheme } = module;
  const { bits, symmetric } = scheme;
  const groupSize = scheme.groupSize ?? columns;
  const groups = columns / groupSize;
  const codes = unpackRows(readInt32(module.packed), { rows, columns, bits });
  return {
    bits,
    rows,
    columns,
    groupSize,
    symmetric,
    codes,
    scales: readScales(module.scale),
    zeroPoints:
      module.zeroPoint === null
        ? new Uint8Array(rows * groups).fill(2 ** (bits - 1))
        : unpackZeroPoints(readInt32(module.zeroPoint), { rows, groups, bits }),
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
  return transpose(zeroPoints, new Uint8Array(rows * groups), { rows: groups, columns: rows });
}

function readInt32(tensor: TensorLocation): Int32Array<ArrayBuffer> {
  return new Int32Array(readTensorBytes(tensor).buffer);
}

function readScales(tensor: TensorLocation): Float32Array {
  const { buffer } = readTensorBytes(tensor);
  if (tensor.dataType === "F32") return new Float32Array(buffer);
  return tensor.dataType === "BF16"
    ? bfloat16ToFloat32(new Uint16Array(buffer))
    : float16ToFloat32(new Uint16Array(buffer));
}

function refuseInexactScales(module: string, { scales }: QuantizedMatrix): void {
  const index = scales.findIndex((scale) => !Number.isFinite(scale) || Math.f16round(scale) !== scale);
  if (index === -1) return;
  throw new BitmendError(
    "checkpoint/inexact-scale",
    `packedTensors(): expected scales of ${module} that are finite and exact in fp16, got ${scales[index]} at ${index}.`,
    { hint: "Round the scales to fp16 before the codes are chosen." },
  );
}

/** Fills `result` ([columns, rows]) with the transpose of `values` ([rows, columns]) and returns it. */
function transpose<Result extends Uint8Array | Int32Array>(
  values: Uint8Array | Int32Array,
  result: Result,
  { rows, columns }: { rows: number; columns: number },
): Result {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column]!;
    }
  }
  return result;
}

function bytesOf(values: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
