/**
 * @file Low-bit weights as ONNX Runtime's operators take them: which operators, which tensors, and back to codes.
 *
 * The 4-bit kernel of `com.microsoft.MatMulNBits` is the only fast one that computes in float32, so every width is brought to it without
 * changing a number:
 *
 *     four-bit     bits 2, 3, 4: codes and zero points fit a 4-bit container as they are
 *     two-planes   bits 5, 6, 8: code = 16·h + l and zero point = 16·u + v, so (code - zero)·s = (h - u)·16s + (l - v)·s: two products
 *     integers     rounded activations and one group a row of at most 65,793: `MatMulInteger` (`int8-activations.ts`)
 *
 * A group becomes blocks of a power of two: 32, 64 and 128 as they are, others by repeating the scale over smaller blocks. The last block
 * of a row may reach past its end; what is stored there meets no input.
 */
import type { QuantizedMatrix } from "../../checkpoint/quantized-matrix.ts";
import { add, multiply } from "../../graph/operations.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { BitmendError } from "../../util/errors.ts";
import { blockSizeOf, fourBitShapes, packFourBits, unpackFourBits } from "./four-bit-matrix.ts";
import { integerProduct, roundActivations, transposed } from "./int8-activations.ts";

/** Everything about a matrix but its content. */
export type MatrixScheme = Omit<QuantizedMatrix, "codes" | "scales" | "zeroPoints">;

/** How activations enter a product of floats: 0 as they are, 4 rounded to 8-bit integers per block by the operator. */
export type AccuracyLevel = 0 | 4;

/** One tensor of a layout. */
export interface OperatorPart {
  /** For example `weight_codes`. */
  readonly name: string;
  readonly dataType: "u8" | "f32";
  readonly shape: readonly number[];
}

/** The content of a part. */
export type PartData = Uint8Array | Float32Array;

type Form = "four-bit" | "two-planes" | "integers";

const PLANES = {
  "four-bit": [["weight", 1]],
  "two-planes": [
    ["weight_high", 16],
    ["weight_low", 1],
  ],
} as const;

/** A sum of so many products of 128 and 255 fits 32 bits. */
const MOST_SUMMED_COLUMNS = Math.floor((2 ** 31 - 1) / (128 * 255));

/** Which operators run a matrix. */
export function formOf({ bits, groupSize, columns, activations }: MatrixScheme): Form {
  const isExact = groupSize === columns && columns <= MOST_SUMMED_COLUMNS;
  if (activations !== undefined && isExact) return "integers";
  return bits <= 4 ? "four-bit" : "two-planes";
}

/**
 * The tensors that a matrix becomes, in the order in which they are stored.
 *
 * @throws {BitmendError} `models/unsupported-group-size` when no block fits the groups.
 */
export function operatorParts(scheme: MatrixScheme): OperatorPart[] {
  const { rows, columns } = scheme;
  const form = formOf(scheme);
  if (form === "integers") {
    return [
      { name: "weight_codes", dataType: "u8", shape: [columns, rows] },
      { name: "weight_scales", dataType: "f32", shape: [rows] },
      { name: "weight_zero_points", dataType: "u8", shape: [rows] },
    ];
  }
  const shapes = fourBitShapes(scheme);
  return PLANES[form].flatMap(([plane]) => [
    { name: `${plane}_codes`, dataType: "u8" as const, shape: shapes.codes },
    { name: `${plane}_scales`, dataType: "f32" as const, shape: shapes.scales },
    { name: `${plane}_zero_points`, dataType: "u8" as const, shape: shapes.zeroPoints },
  ]);
}

/** The content of every part by its name. */
export function packParts(matrix: QuantizedMatrix): Map<string, PartData> {
  const form = formOf(matrix);
  if (form === "integers") {
    const { codes, rows, columns, scales, zeroPoints } = matrix;
    return new Map<string, PartData>([
      ["weight_codes", transposed(codes, { rows, columns })],
      ["weight_scales", scales],
      ["weight_zero_points", zeroPoints],
    ]);
  }
  const parts = new Map<string, PartData>();
  for (const [plane, step] of PLANES[form]) {
    const packed = packFourBits(form === "four-bit" ? matrix : planeOf(matrix, step));
    parts.set(`${plane}_codes`, packed.codes);
    parts.set(`${plane}_scales`, packed.scales);
    parts.set(`${plane}_zero_points`, packed.zeroPoints);
  }
  return parts;
}

/** The high or low four bits of every code and zero point. */
function planeOf(matrix: QuantizedMatrix, step: 1 | 16): QuantizedMatrix {
  const take = (code: number): number => (step === 16 ? Math.floor(code / 16) : code % 16);
  return {
    ...matrix,
    bits: 4,
    codes: matrix.codes.map(take),
    zeroPoints: matrix.zeroPoints.map(take),
    scales: matrix.scales.map((scale) => scale * step),
  };
}

/**
 * The matrix whose parts these are, bit for bit; `part` gives the content of a name, of the size that `operatorParts()` says.
 *
 * @throws {BitmendError} `models/bad-parts` when the parts are those of no such matrix: codes too large, or blocks of one group that differ.
 */
export function unpackParts(scheme: MatrixScheme, part: (name: string) => PartData): QuantizedMatrix {
  const { rows, columns } = scheme;
  const form = formOf(scheme);
  const bytes = (name: string): Uint8Array => {
    const data = part(name);
    if (data instanceof Uint8Array) return data;
    throw badParts(`${name} are bytes`);
  };
  const floats = (name: string): Float32Array => {
    const data = part(name);
    if (data instanceof Float32Array) return data;
    throw badParts(`${name} are floats`);
  };
  let content: Pick<QuantizedMatrix, "codes" | "scales" | "zeroPoints">;
  if (form === "integers") {
    const codes = transposed(bytes("weight_codes"), { rows: columns, columns: rows });
    content = { codes, scales: floats("weight_scales"), zeroPoints: bytes("weight_zero_points") };
  } else {
    const planes = PLANES[form].map(([plane]) =>
      unpackFourBits(scheme, {
        codes: bytes(`${plane}_codes`),
        scales: floats(`${plane}_scales`),
        zeroPoints: bytes(`${plane}_zero_points`),
      }),
    );
    content = planes.length === 1 ? planes[0]! : joinPlanes(planes[0]!, planes[1]!);
  }
  const most = 2 ** scheme.bits - 1;
  if (content.codes.some((code) => code > most) || content.zeroPoints.some((code) => code > most))
    throw badParts(`codes and zero points are at most ${most}`);
  return { ...scheme, ...content };
}

type Content = Pick<QuantizedMatrix, "codes" | "scales" | "zeroPoints">;

function joinPlanes(high: Content, low: Content): Content {
  if (high.scales.some((scale, index) => scale !== low.scales[index]! * 16))
    throw badParts("high scales are 16 times the low ones");
  return {
    codes: low.codes.map((code, index) => code + 16 * high.codes[index]!),
    scales: low.scales,
    zeroPoints: low.zeroPoints.map((code, index) => code + 16 * high.zeroPoints[index]!),
  };
}

/** `input` [tokens, columns] times the transpose of the matrix whose parts `part` gives by name, [tokens, rows]. */
export function layoutProduct(
  input: Tensor,
  scheme: MatrixScheme,
  { part, accuracyLevel }: { readonly part: (name: string) => Tensor; readonly accuracyLevel: AccuracyLevel },
): Tensor {
  const form = formOf(scheme);
  const rounded = scheme.activations === undefined ? null : roundActivations(input);
  if (form === "integers" && rounded !== null) {
    const [codes, scales, zeroPoints] = ["weight_codes", "weight_scales", "weight_zero_points"].map(part);
    return integerProduct(rounded, { codes: codes!, scales: scales!, zeroPoints: zeroPoints! });
  }
  const values = rounded === null ? input : multiply(rounded.codes, rounded.scales);
  const planes = form === "two-planes" ? PLANES["two-planes"] : PLANES["four-bit"];
  const [first, second] = planes.map(([plane]) =>
    fourBitProduct(values, scheme, {
      parts: ["codes", "scales", "zero_points"].map((kind) => part(`${plane}_${kind}`)),
      accuracyLevel,
    }),
  );
  return second === undefined ? first! : add(first!, second);
}

function fourBitProduct(
  input: Tensor,
  { rows, columns, groupSize }: MatrixScheme,
  { parts, accuracyLevel }: { readonly parts: readonly Tensor[]; readonly accuracyLevel: AccuracyLevel },
): Tensor {
  return input.graph.emitOne(
    "MatMulNBits",
    [input, ...parts],
    { dataType: "f32", shape: [...input.shape.slice(0, -1), rows] },
    {
      domain: "com.microsoft",
      attributes: {
        K: { integer: columns },
        N: { integer: rows },
        bits: { integer: 4 },
        block_size: { integer: blockSizeOf(groupSize, columns) },
        accuracy_level: { integer: accuracyLevel },
      },
    },
  );
}

function badParts(expected: string): BitmendError {
  return new BitmendError("models/bad-parts", `unpackParts(): expected that ${expected}, got others.`, {
    hint: "The file is damaged; write it again.",
  });
}
