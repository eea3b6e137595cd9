/**
 * @file Low-bit weights as MLX stores them ("affine"), linears and embedding tables alike.
 *
 * Per module X ([out, in] codes u of `bits` bits, groups along `in`):
 *
 *     X.weight  U32 [out, in·bits/32]       one dense run of codes per row, also for 3, 5 and 6 bits
 *     X.scales  F16 [out, in/groupSize]     may be negative
 *     X.biases  F16 [out, in/groupSize]
 *
 * w = scale · u + bias; groupSize is 32, 64 or 128, and larger groups of ours are written as several. Where every bias is exactly
 * -z · scale for a code z this is a `QuantizedMatrix`; the biases of MLX's own quantizer mostly are not (it rounds scale and bias each by
 * itself), and then the weights are read as numbers.
 *
 * Source: {@link https://github.com/ml-explore/mlx} 0.32 `mlx/ops.cpp` (`affine_quantize`),
 * {@link https://github.com/ml-explore/mlx-lm} 0.32 `mlx_lm/utils.py` (`load_model`, `quantize_model`).
 */
import { BitmendError } from "../../util/errors.ts";
import { ConfigReader } from "../config-reader.ts";
import { float32ToFloat16 } from "../half-floats.ts";
import { isJsonObject } from "../json-file.ts";
import { packRows, unpackRows, wordsPerRun } from "../packed-integers.ts";
import type { Bits, QuantizedMatrix } from "../quantized-matrix.ts";
import { readFloat32 } from "../read-float32.ts";
import type { TensorToWrite } from "../safetensors.ts";
import { inexactScale, storedWeight, type StoredWeight } from "../stored-weight.ts";
import { readWords } from "./grouped-tensors.ts";
import { mostFrequentScheme } from "./most-frequent-scheme.ts";
import type { QuantizationScheme } from "./quantization-config.ts";
import type {
  ExpectedPart,
  ModuleLayout,
  PartOf,
  WeightFormatReader,
  WeightFormatWriter,
  WeightShape,
} from "./weight-format.ts";

/** Largest first. */
const GROUP_SIZES = [128, 64, 32] as const;

const BITS = [2, 3, 4, 5, 6, 8] as const;

/** Reads MLX. */
export const mlxReader: WeightFormatReader = {
  name: "mlx",
  layouts: (rawConfig, where) => {
    const block = rawConfig["quantization"];
    if (!isJsonObject(block)) return null;
    const reader = new ConfigReader(block, "quantization.");
    const layoutOf = readLayouts(reader, block);
    const other = rawConfig["quantization_config"];
    const method = isJsonObject(other) ? (other["quant_method"] ?? null) : null;
    if (method !== null)
      reader.refuse("quant_method", `quantization_config says ${JSON.stringify(method).slice(0, 60)}`);
    if (reader.complaints.length === 0) return layoutOf;
    throw new BitmendError(
      "checkpoint/unsupported-quantization",
      `mlxReader: ${where}: expected settings of an MLX model, got ${reader.complaints.slice(0, 20).join("; ")}.`,
      { hint: "bitmend reads MLX's affine mode; take the original model or another quantization of it." },
    );
  },
};

/** Writes MLX. */
export const mlxWriter: WeightFormatWriter = {
  name: "mlx",
  inexact: (matrix) =>
    unwritable(matrix) ?? inexactScale(matrix) ?? withoutActivations(matrix) ?? inexactBias(matrix),
  tensors: (module, matrix) => (unwritable(matrix) === null ? mlxTensors(module, matrix) : null),
  config: (schemes) => {
    const split = [...schemes].map(([module, { bits, groupSize, columns }]) => {
      return [module, { bits, groupSize: groupSizeOf(groupSize ?? columns), symmetric: false }] as const;
    });
    const base = mostFrequentScheme(split.map(([, scheme]) => scheme));
    const others = split
      .filter(([, { bits, groupSize }]) => bits !== base?.bits || groupSize !== base.groupSize)
      .map(([module, scheme]) => [module, settingsBlock(scheme)] as const);
    const quantization = { ...settingsBlock(base), mode: "affine", ...Object.fromEntries(others) };
    // mlx-lm writes the object under both names: the first is read, the second is for the model's page.
    return { quantization, quantization_config: quantization };
  },
};

function readLayouts(
  reader: ConfigReader,
  block: Readonly<Record<string, unknown>>,
): (module: string) => ModuleLayout | null {
  const base = readSettings(reader, null);
  const named = new Map<string, ModuleLayout | null>();
  const baseLayout = mlxLayout(base);
  for (const [key, value] of Object.entries(block)) {
    if (value === false || value === true) named.set(key, value ? baseLayout : null);
    else if (isJsonObject(value))
      named.set(key, mlxLayout(readSettings(reader.inside(key.slice(0, 60), value), base)));
  }
  return (module) => {
    const layout = named.get(module);
    return layout === undefined ? baseLayout : layout;
  };
}

function readSettings(reader: ConfigReader, base: QuantizationScheme | null): QuantizationScheme {
  const read = <Known>(key: string, known: readonly Known[], fallback: unknown): Known | undefined => {
    const given = reader.value(key) ?? fallback;
    const found = known.find((value) => value === given);
    if (found === undefined) {
      reader.refuse(key, `${JSON.stringify(given)?.slice(0, 60)} is not supported (${known.join(", ")} are)`);
    }
    return found;
  };
  const groupSize = read("group_size", GROUP_SIZES, base?.groupSize) ?? null;
  const bits = read("bits", BITS, base?.bits) ?? 8;
  read("mode", ["affine"], "affine");
  return { bits, groupSize, symmetric: false };
}

function settingsBlock(scheme: QuantizationScheme | undefined): Record<string, unknown> {
  return { group_size: scheme?.groupSize, bits: scheme?.bits };
}

/** The largest group that MLX has and that divides one of ours; null if there is none. */
function groupSizeOf(groupSize: number): number | null {
  return GROUP_SIZES.find((known) => groupSize % known === 0) ?? null;
}

/** Why there is no such file at all; null when there is. */
function unwritable({ groupSize }: QuantizedMatrix): string | null {
  if (groupSizeOf(groupSize) !== null) return null;
  return `MLX has groups of 32, 64 and 128, which do not divide one of ${groupSize}`;
}

function withoutActivations({ activations }: QuantizedMatrix): string | null {
  return activations === undefined ? null : "MLX files do not say that activations are rounded";
}

function inexactBias({ scales, zeroPoints }: QuantizedMatrix): string | null {
  const index = scales.findIndex((scale, group) => {
    const bias = -zeroPoints[group]! * scale;
    return Math.f16round(bias) !== bias;
  });
  if (index === -1) return null;
  return `MLX holds a bias in fp16 for the zero point, and ${zeroPoints[index]} · ${scales[index]} of group ${index} would be rounded`;
}

function mlxTensors(module: string, matrix: QuantizedMatrix): TensorToWrite[] {
  const { bits, rows, columns, groupSize, codes } = matrix;
  // A larger group becomes several with the same scale and zero point.
  const parts = groupSize / (groupSizeOf(groupSize) ?? groupSize);
  const groups = (columns / groupSize) * parts;
  const scales = Float32Array.from({ length: rows * groups }, (_, part) =>
    Math.f16round(matrix.scales[Math.floor(part / parts)]!),
  );
  // 0 - x has no negative zero.
  const biases = scales.map((scale, part) => 0 - matrix.zeroPoints[Math.floor(part / parts)]! * scale);
  return [
    {
      name: `${module}.weight`,
      dataType: "U32",
      shape: [rows, wordsPerRun(columns, bits)],
      data: new Uint8Array(packRows(codes, { rows, columns, bits }).buffer),
    },
    halves(`${module}.scales`, [rows, groups], scales),
    halves(`${module}.biases`, [rows, groups], biases),
  ];
}

function halves(name: string, shape: readonly number[], values: Float32Array): TensorToWrite {
  return { name, dataType: "F16", shape, data: new Uint8Array(float32ToFloat16(values).buffer) };
}

function mlxLayout(scheme: QuantizationScheme): ModuleLayout {
  return {
    scheme,
    parts: ({ rows, columns }) => {
      const perGroup = {
        shape: [rows, columns / (scheme.groupSize ?? columns)],
        dataTypes: ["F16", "BF16", "F32"],
      };
      return new Map<string, ExpectedPart>([
        ["weight", { shape: [rows, wordsPerRun(columns, scheme.bits)], dataTypes: ["U32"] }],
        ["scales", perGroup],
        ["biases", perGroup],
      ]);
    },
    read: (part, shape) => readMlx(part, shape, scheme),
  };
}

function readMlx(
  part: PartOf,
  { rows, columns }: WeightShape,
  { bits, groupSize: size }: QuantizationScheme,
): StoredWeight {
  const groupSize = size ?? columns;
  const codes = unpackRows(readWords(part("weight")!), { rows, columns, bits });
  const scales = readFloat32(part("scales")!);
  const biases = readFloat32(part("biases")!);
  const zeroPoints = exactZeroPoints(scales, biases, bits);
  if (zeroPoints !== null) {
    return storedWeight({ bits, rows, columns, groupSize, symmetric: false, codes, scales, zeroPoints });
  }
  const values = new Float32Array(codes.length);
  for (let group = 0; group < scales.length; group++) {
    const groupEnd = (group + 1) * groupSize;
    for (let index = group * groupSize; index < groupEnd; index++) {
      values[index] = codes[index]! * scales[group]! + biases[group]!;
    }
  }
  return { kind: "dense", values };
}

/** The code of each group that stands for 0; null if one has none. Products of a code and a float32 are exact in float64. */
function exactZeroPoints(
  scales: Float32Array,
  biases: Float32Array,
  bits: Bits,
): Uint8Array<ArrayBuffer> | null {
  const zeroPoints = new Uint8Array(scales.length);
  for (let group = 0; group < scales.length; group++) {
    const [scale, bias] = [scales[group]!, biases[group]!];
    // A group of zeros has any zero point; the middle one is that of a symmetric grid.
    const zeroPoint = scale === 0 ? 2 ** (bits - 1) : Math.round(-bias / scale);
    if (!(zeroPoint >= 0 && zeroPoint < 2 ** bits) || zeroPoint * scale !== -bias) return null;
    zeroPoints[group] = zeroPoint;
  }
  return zeroPoints;
}
