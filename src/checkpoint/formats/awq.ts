/**
 * @file Low-bit weights as AutoAWQ's "gemm" files store them: 4 bits, one scheme for the whole model.
 *
 * Per linear X ([out, in] codes u, groups along `in`), eight codes of neighbouring output features in a word, nibbles in the order
 * 0 2 4 6 1 3 5 7:
 *
 *     X.qweight  I32 [in, out/8]
 *     X.qzeros   I32 [in/groupSize, out/8]  zero points z as they are
 *     X.scales   F16 [in/groupSize, out]
 *
 * w[o, j] = (u[j, o] - z[g, o]) · scale[g, o]. The channel scales of the method are folded into norms and weights before.
 *
 * Source: {@link https://github.com/casper-hansen/AutoAWQ} 0.2.9, `awq/modules/linear/gemm.py`, `awq/utils/packing_utils.py`,
 * `awq/models/_config.py`; GPTQModel 7.7.0, which reads them for transformers.
 */
import { BitmendError } from "../../util/errors.ts";
import { ConfigReader } from "../config-reader.ts";
import { isJsonObject } from "../json-file.ts";
import { interleaveNibbles, packRows, restoreNibbles, unpackRows } from "../packed-integers.ts";
import type { QuantizedMatrix } from "../quantized-matrix.ts";
import type { TensorToWrite } from "../safetensors.ts";
import { inexactScale, storedWeight } from "../stored-weight.ts";
import {
  readScales,
  readWords,
  scaleTensor,
  transposedCodes,
  wordTensor,
  zeroPointsByGroup,
} from "./grouped-tensors.ts";
import { expressionOf, MAX_EXPRESSIONS, moduleExpression } from "./module-expression.ts";
import type { QuantizationScheme } from "./quantization-config.ts";
import { refuseModules } from "./refuse-modules.ts";
import type {
  ExpectedPart,
  ModuleLayout,
  PartOf,
  WeightFormatReader,
  WeightFormatWriter,
  WeightShape,
} from "./weight-format.ts";

const BITS = 4;

const CODES_PER_WORD = 8;

/** The zero point of a symmetric grid. */
const CENTRE = 8;

/** Reads AWQ. */
export const awqReader: WeightFormatReader = {
  name: "awq",
  layouts: (rawConfig, where) => {
    const block = rawConfig["quantization_config"];
    if (!isJsonObject(block) || (block["quant_method"] ?? block["method"]) !== "awq") return null;
    const reader = new ConfigReader(block, "quantization_config.");
    const layout = awqLayout(readScheme(reader));
    const quantizedHead = reader.boolean("lm_head", false);
    const keptNames = readKeptNames(reader);
    const isKept = readKeptPatterns(reader);
    refuseOtherForms(reader);
    if (reader.complaints.length > 0) {
      throw new BitmendError(
        "checkpoint/unsupported-quantization",
        `awqReader: ${where}: expected settings of an AWQ "gemm" model of 4 bits, got ${reader.complaints.slice(0, 20).join("; ")}.`,
        { hint: "Take the original model or another quantization of it." },
      );
    }
    return (module) => {
      if (module === "model.embed_tokens" || (module === "lm_head" && !quantizedHead)) return null;
      return keptNames.some((name) => module.includes(name)) || isKept(module) ? null : layout;
    };
  },
};

/** Writes AWQ. */
export const awqWriter: WeightFormatWriter = {
  name: "awq",
  inexact: (matrix) => unwritable(matrix) ?? inexactScale(matrix) ?? withoutActivations(matrix),
  tensors: (module, matrix) => (unwritable(matrix) === null ? awqTensors(module, matrix) : null),
  config: (schemes, kept) => {
    refuseModules("AWQ", schemes.keys(), ["model.embed_tokens", "lm_head"]);
    return {
      quantization_config: {
        quant_method: "awq",
        bits: BITS,
        group_size: onlyGroupSize(schemes) ?? -1,
        // Readers of files without zero points disagree; those of symmetric grids are written out.
        zero_point: true,
        version: "gemm",
        modules_to_not_convert: kept.length === 0 ? null : kept,
        // What stays as it is, for GPTQModel's own loader.
        dynamic: Object.fromEntries(kept.map((module) => [`-:${expressionOf(module)}`, {}])),
      },
    };
  },
};

function readScheme(reader: ConfigReader): QuantizationScheme {
  const bits = reader.value("bits") ?? reader.value("w_bit") ?? BITS;
  if (bits !== BITS) reader.refuse("bits", `${JSON.stringify(bits).slice(0, 60)} is not supported (4 is)`);
  const sizeKey = reader.value("group_size") === null ? "q_group_size" : "group_size";
  const groupSize = reader.value(sizeKey) === -1 ? null : reader.integer(sizeKey, { fallback: 128 });
  return { bits: BITS, groupSize, symmetric: !reader.boolean("zero_point", true) };
}

function refuseOtherForms(reader: ConfigReader): void {
  for (const key of ["version", "format", "checkpoint_format"]) {
    const form = reader.value(key) ?? "gemm";
    if (typeof form !== "string" || form.toLowerCase() !== "gemm") {
      reader.refuse(key, `${JSON.stringify(form).slice(0, 60)} is not supported (gemm is)`);
    }
  }
  if (reader.value("backend") === "llm-awq") reader.refuse("backend", "llm-awq is not supported");
}

/** `modules_to_not_convert`: parts of names, as AutoAWQ has it. */
function readKeptNames(reader: ConfigReader): readonly string[] {
  const names: unknown = reader.value("modules_to_not_convert") ?? [];
  if (Array.isArray(names) && names.every((name) => typeof name === "string" && name.length > 0))
    return names;
  reader.refuse("modules_to_not_convert", "expected a list of names");
  return [];
}

/** `dynamic`, as GPTQModel has it: here only patterns of modules that stay as they are. */
function readKeptPatterns(reader: ConfigReader): (module: string) => boolean {
  const given = reader.value("dynamic") ?? {};
  const patterns = isJsonObject(given) ? Object.keys(given) : [];
  if (!isJsonObject(given)) reader.refuse("dynamic", "expected an object");
  if (patterns.length > MAX_EXPRESSIONS) {
    reader.refuse("dynamic", `has ${patterns.length} patterns, more than ${MAX_EXPRESSIONS}`);
    return () => false;
  }
  const tests = patterns.map((pattern) =>
    pattern.startsWith("-:") ? moduleExpression(pattern.slice(2)) : null,
  );
  const bad = tests.indexOf(null);
  if (bad !== -1) reader.refuse("dynamic", `${JSON.stringify(patterns[bad]?.slice(0, 60))} is not supported`);
  return (module) => tests.some((fits) => fits?.(module) === true);
}

/** Group sizes GPTQModel loads, besides a whole row. */
const GROUP_SIZES: readonly number[] = [16, 32, 64, 128];

/** Why there is no such file at all; null when there is. */
function unwritable({ bits, rows, columns, groupSize }: QuantizedMatrix): string | null {
  if (bits !== BITS) return `AWQ files have 4 bits, not ${bits}`;
  if (groupSize !== columns && !GROUP_SIZES.includes(groupSize)) {
    return `AWQ readers take groups of ${GROUP_SIZES.join(", ")} or a whole row, not of ${groupSize}`;
  }
  return rows % CODES_PER_WORD === 0
    ? null
    : `AWQ packs 8 output features together, which do not divide ${rows}`;
}

function withoutActivations({ activations }: QuantizedMatrix): string | null {
  return activations === undefined ? null : "AWQ files do not say that activations are rounded";
}

/**
 * The group size of all modules; null for whole rows.
 *
 * @throws {BitmendError} `checkpoint/mixed-schemes`: the settings name only one.
 */
function onlyGroupSize(schemes: ReadonlyMap<string, QuantizationScheme>): number | null {
  const sizes = Map.groupBy(schemes, ([, { groupSize }]) => groupSize);
  const [[size, modules] = [null, []], ...others] = sizes;
  if (others.length === 0) return size;
  const shown = [[size, modules] as const, ...others].map(
    ([groupSize, [first]]) => `${groupSize ?? "a whole row"} (${first?.[0]})`,
  );
  throw new BitmendError(
    "checkpoint/mixed-schemes",
    `awqWriter: expected one group size for all modules, as AWQ files name only one, got ${shown.join(", ")}.`,
    { hint: "compressed-tensors, gptq and mlx hold a scheme for each module." },
  );
}

function awqTensors(module: string, matrix: QuantizedMatrix): TensorToWrite[] {
  const { rows, columns, groupSize } = matrix;
  const groups = columns / groupSize;
  const wordsOf = (byInput: Uint8Array, inputs: number): Int32Array<ArrayBuffer> =>
    interleaveNibbles(packRows(byInput, { rows: inputs, columns: rows, bits: BITS }));
  const codes = transposedCodes(matrix.codes, { rows, columns });
  const words = rows / CODES_PER_WORD;
  return [
    wordTensor(`${module}.qweight`, [columns, words], wordsOf(codes, columns)),
    wordTensor(`${module}.qzeros`, [groups, words], wordsOf(zeroPointsByGroup(matrix), groups)),
    scaleTensor(`${module}.scales`, matrix),
  ];
}

function awqLayout(scheme: QuantizationScheme): ModuleLayout {
  const { symmetric } = scheme;
  return {
    scheme,
    parts: ({ rows, columns }) => {
      const groups = columns / (scheme.groupSize ?? columns);
      const words = Math.ceil(rows / CODES_PER_WORD);
      return new Map<string, ExpectedPart>([
        ["qweight", { shape: [columns, words], dataTypes: ["I32"] }],
        ["qzeros", { shape: [groups, words], dataTypes: ["I32"], required: !symmetric }],
        ["scales", { shape: [groups, rows], dataTypes: ["F16", "BF16", "F32"] }],
      ]);
    },
    contradiction: (part, shape) => {
      const other = symmetric
        ? readZeroPoints(part, shape, scheme).find((zeroPoint) => zeroPoint !== CENTRE)
        : undefined;
      return other === undefined
        ? null
        : `qzeros hold a zero point of ${other}, and "zero_point": false means ${CENTRE}`;
    },
    read: (part, shape) => {
      const { rows, columns } = shape;
      const groupSize = scheme.groupSize ?? columns;
      const codes = readNibbles(readWords(part("qweight")!), { rows, inputs: columns });
      const zeroPoints = readZeroPoints(part, shape, scheme);
      const scales = readScales(part("scales")!, { rows, groups: columns / groupSize });
      return storedWeight({ bits: BITS, rows, columns, groupSize, symmetric, codes, scales, zeroPoints });
    },
  };
}

/** [rows, groups]. */
function readZeroPoints(
  part: PartOf,
  { rows, columns }: WeightShape,
  { groupSize }: QuantizationScheme,
): Uint8Array<ArrayBuffer> {
  const groups = columns / (groupSize ?? columns);
  const tensor = part("qzeros");
  if (tensor === null) return new Uint8Array(rows * groups).fill(CENTRE);
  return readNibbles(readWords(tensor), { rows, inputs: groups });
}

/** [rows, inputs] of words [inputs, rows / 8]. */
function readNibbles(
  words: Int32Array<ArrayBuffer>,
  { rows, inputs }: { rows: number; inputs: number },
): Uint8Array<ArrayBuffer> {
  const byInput = unpackRows(restoreNibbles(words), { rows: inputs, columns: rows, bits: BITS });
  return transposedCodes(byInput, { rows: inputs, columns: rows });
}
