/**
 * @file Low-bit weights as GPTQ files store them, version 1 ("gptq") and version 2 ("gptq_v2").
 *
 * Per linear X ([out, in] codes u of `bits` bits, groups along `in`):
 *
 *     X.qweight  I32 [ceil(in·bits/32), out]       one dense run of codes per output feature, its words one below the other
 *     X.qzeros   I32 [in/groupSize, ceil(out·bits/32)]  zero points z, one dense run per group; version 1 holds z - 1
 *     X.scales   F16 [in/groupSize, out]
 *     X.g_idx    I32 [in]                          the group of each input feature
 *
 * w[o, j] = (u[j, o] - z[g_idx[j], o]) · scale[g_idx[j], o]. A symmetric grid has z = 2^(bits-1).
 *
 * Version 1 adds the missing one to whole words of 2, 4 and 8 bits, as GPTQModel does, so that a zero point of 0, which it writes by
 * subtracting from whole words, comes back with its neighbours; at 3 bits the sum stays within its code. ExLlama's kernels take a
 * stored 2^bits - 1 for a zero point of 2^bits instead: readers disagree, and so a zero point of 0 counts as inexact in version 1.
 *
 * Source: {@link https://github.com/ModelCloud/GPTQModel} 7.7.0, `nn_modules/qlinear/__init__.py` (`pack_original`, `dequantize_weight`),
 * `utils/model.py` (`convert_gptq_v1_to_v2_format_module`), `utils/model_dequant.py` (`_shift_gptq_qzeros`).
 */
import { packRows, unpackRows, wordsPerRun } from "../packed-integers.ts";
import type { QuantizedMatrix } from "../quantized-matrix.ts";
import type { TensorToWrite } from "../safetensors.ts";
import { inexactScale, storedWeight, type StoredWeight } from "../stored-weight.ts";
import { transpose } from "../transpose.ts";
import { groupOutOfRange, weightByColumnGroups } from "./column-groups.ts";
import { gptqConfig, readGptqSettings, type GptqSettings } from "./gptq-config.ts";
import {
  readScales,
  readWords,
  scaleTensor,
  transposedCodes,
  wordTensor,
  zeroPointsByGroup,
} from "./grouped-tensors.ts";
import type {
  ExpectedPart,
  ModuleLayout,
  PartOf,
  WeightFormatReader,
  WeightFormatWriter,
  WeightShape,
} from "./weight-format.ts";

/** Reads GPTQ, both versions. */
export const gptqReader: WeightFormatReader = {
  name: "gptq",
  layouts: (rawConfig, where) => {
    const settingsOf = readGptqSettings(rawConfig, where);
    if (settingsOf === null) return null;
    return (module) => {
      const settings = settingsOf(module);
      return settings === null ? null : gptqLayout(settings);
    };
  },
};

/** Writes GPTQ version 1: what most engines take, as long as no zero point is 0. */
export const gptqWriter: WeightFormatWriter = writerOf(1);

/** Writes GPTQ version 2. */
export const gptqV2Writer: WeightFormatWriter = writerOf(2);

function writerOf(version: 1 | 2): WeightFormatWriter {
  return {
    name: "gptq",
    inexact: (matrix) => {
      const reasons = [
        unwritable(matrix),
        inexactScale(matrix),
        withoutActivations(matrix),
        zeroOfVersion1(matrix, version),
      ];
      return reasons.find((reason) => reason !== null) ?? null;
    },
    tensors: (module, matrix) => (unwritable(matrix) === null ? gptqTensors(module, matrix, version) : null),
    config: (schemes, kept) => ({ quantization_config: gptqConfig(schemes, { kept, version }) }),
  };
}

/** Group sizes GPTQModel loads, besides a whole row. */
const GROUP_SIZES: readonly number[] = [16, 32, 64, 128, 256, 512, 1024];

/** Why there is no such file at all; null when there is. */
function unwritable({ bits, rows, columns, groupSize }: QuantizedMatrix): string | null {
  if (bits === 5 || bits === 6) return `GPTQ files have 2, 3, 4 or 8 bits, not ${bits}`;
  if (groupSize !== columns && !GROUP_SIZES.includes(groupSize)) {
    return `GPTQ readers take groups of ${GROUP_SIZES.join(", ")} or a whole row, not of ${groupSize}`;
  }
  const codesPerRun = bits === 3 ? 32 : 32 / bits;
  const odd = [rows, columns].find((size) => size % codesPerRun !== 0);
  return odd === undefined
    ? null
    : `GPTQ packs ${codesPerRun} codes of ${bits} bits together, which do not divide ${odd} features`;
}

function withoutActivations({ activations }: QuantizedMatrix): string | null {
  return activations === undefined ? null : "GPTQ files do not say that activations are rounded";
}

function zeroOfVersion1({ zeroPoints }: QuantizedMatrix, version: 1 | 2): string | null {
  if (version === 2 || !zeroPoints.includes(0)) return null;
  return "version 1 of GPTQ holds zero points less one, and one here is 0 (version 2 holds it)";
}

function gptqTensors(module: string, matrix: QuantizedMatrix, version: 1 | 2): TensorToWrite[] {
  const { bits, rows, columns, groupSize, codes, zeroPoints } = version === 1 ? withoutZero(matrix) : matrix;
  const groups = columns / groupSize;
  const words = wordsPerRun(columns, bits);
  const packed = packRows(codes, { rows, columns, bits });
  const stored = version === 1 ? zeroPoints.map((zeroPoint) => zeroPoint - 1) : zeroPoints;
  const packedZeros = packRows(zeroPointsByGroup({ ...matrix, zeroPoints: stored }), {
    rows: groups,
    columns: rows,
    bits,
  });
  return [
    wordTensor(
      `${module}.qweight`,
      [words, rows],
      transpose(packed, new Int32Array(packed.length), { rows, columns: words }),
    ),
    wordTensor(`${module}.qzeros`, [groups, wordsPerRun(rows, bits)], packedZeros),
    scaleTensor(`${module}.scales`, matrix),
    wordTensor(
      `${module}.g_idx`,
      [columns],
      Int32Array.from({ length: columns }, (_, column) => Math.floor(column / groupSize)),
    ),
  ];
}

/** The nearest matrix without a zero point of 0: one more for it and for its codes, but for the highest code, which stays. */
function withoutZero(matrix: QuantizedMatrix): QuantizedMatrix {
  if (!matrix.zeroPoints.includes(0)) return matrix;
  const { bits, groupSize } = matrix;
  const highest = 2 ** bits - 1;
  const moved = matrix.zeroPoints.map((zeroPoint) => Math.max(zeroPoint, 1));
  const codes = matrix.codes.map((code, index) =>
    matrix.zeroPoints[Math.floor(index / groupSize)] === 0 ? Math.min(code + 1, highest) : code,
  );
  return { ...matrix, codes, zeroPoints: moved };
}

function gptqLayout(settings: GptqSettings): ModuleLayout {
  const { bits, groupSize, symmetric, activationOrder } = settings;
  return {
    scheme: { bits, groupSize, symmetric },
    parts: ({ rows, columns }) => {
      const groups = columns / (groupSize ?? columns);
      return new Map<string, ExpectedPart>([
        ["qweight", { shape: [wordsPerRun(columns, bits), rows], dataTypes: ["I32"] }],
        ["qzeros", { shape: [groups, wordsPerRun(rows, bits)], dataTypes: ["I32"] }],
        ["scales", { shape: [groups, rows], dataTypes: ["F16", "BF16", "F32"] }],
        ["g_idx", { shape: [columns], dataTypes: ["I32"], required: activationOrder && groups > 1 }],
      ]);
    },
    contradiction: (part, shape) => {
      const groups = shape.columns / (groupSize ?? shape.columns);
      const groupOf = part("g_idx");
      const outside = groupOf === null ? undefined : groupOutOfRange(readWords(groupOf), groups);
      if (outside !== undefined) return `g_idx names group ${outside} of ${groups}`;
      return symmetric ? zeroOffCentre(part, shape, settings) : null;
    },
    read: (part, shape) => readGptq(part, shape, settings),
  };
}

/** Symmetric settings and other zero points: most often a file of one version that is labelled as the other. */
function zeroOffCentre(part: PartOf, { rows, columns }: WeightShape, settings: GptqSettings): string | null {
  const groups = columns / (settings.groupSize ?? columns);
  const centre = 2 ** (settings.bits - 1);
  const other = readZeroPoints(part, { rows, groups }, settings).find((zeroPoint) => zeroPoint !== centre);
  if (other === undefined) return null;
  return `qzeros hold a zero point of ${other} as version ${settings.version} counts, and sym means ${centre}`;
}

function readGptq(part: PartOf, { rows, columns }: WeightShape, settings: GptqSettings): StoredWeight {
  const { bits, symmetric } = settings;
  const groupSize = settings.groupSize ?? columns;
  const groups = columns / groupSize;
  const words = wordsPerRun(columns, bits);
  const stacked = readWords(part("qweight")!);
  const packed = transpose(stacked, new Int32Array(stacked.length), { rows: words, columns: rows });
  const codes = unpackRows(packed, { rows, columns, bits });
  const zeroPoints = readZeroPoints(part, { rows, groups }, settings);
  const scales = readScales(part("scales")!, { rows, groups });
  const matrix = { bits, rows, columns, groupSize, symmetric, codes, scales, zeroPoints };
  const groupOf = part("g_idx");
  return groupOf === null ? storedWeight(matrix) : weightByColumnGroups(matrix, readWords(groupOf));
}

/** [rows, groups]. */
function readZeroPoints(
  part: PartOf,
  { rows, groups }: { rows: number; groups: number },
  { bits, version }: GptqSettings,
): Uint8Array<ArrayBuffer> {
  const words = readWords(part("qzeros")!);
  const wholeWords = version === 1 && bits !== 3;
  // 0x55555555, 0x11111111 or 0x01010101: a one in every code.
  const ones = (2 ** 32 - 1) / (2 ** bits - 1);
  const packed = wholeWords ? words.map((word) => word + ones) : words;
  const byGroup = unpackRows(packed, { rows: groups, columns: rows, bits });
  const restored = version === 1 && !wholeWords ? byGroup.map((code) => (code + 1) % 2 ** bits) : byGroup;
  return transposedCodes(restored, { rows: groups, columns: rows });
}
