import type { QuantizationScheme } from "../quantization-config.ts";
import { storedWeight, type StoredWeight } from "../../stored-weight.ts";
import { codesOfBlocks, codeType, isCodeType, type BlockCodes, type CodeTypeName } from "./block-codes.ts";
import { dequantizeBlocks } from "./dequantize-blocks.ts";
import type { TensorType, TensorTypeName } from "./tensor-types.ts";

/** What the codes of a type are like; those of K-quants and tables are in no `QuantizedMatrix`. */
const schemes: Readonly<Partial<Record<TensorTypeName, QuantizationScheme>>> = {
  Q2_0: { bits: 2, groupSize: 64, symmetric: true },
  Q4_0: { bits: 4, groupSize: 32, symmetric: true },
  Q4_1: { bits: 4, groupSize: 32, symmetric: false },
  Q5_0: { bits: 5, groupSize: 32, symmetric: true },
  Q5_1: { bits: 5, groupSize: 32, symmetric: false },
  Q8_0: { bits: 8, groupSize: 32, symmetric: true },
  IQ4_NL: { bits: 4, groupSize: 32, symmetric: false },
  TQ2_0: { bits: 2, groupSize: 256, symmetric: true },
  Q2_K: { bits: 2, groupSize: 16, symmetric: false },
  Q3_K: { bits: 3, groupSize: 16, symmetric: true },
  Q4_K: { bits: 4, groupSize: 32, symmetric: false },
  Q5_K: { bits: 5, groupSize: 32, symmetric: false },
  Q6_K: { bits: 6, groupSize: 16, symmetric: true },
};

/** Bits and groups of a type; null for plain floats. */
export function schemeOf(type: TensorType): QuantizationScheme | null {
  return schemes[type.name] ?? null;
}

/** Reads blocks as codes where a `QuantizedMatrix` holds them exactly, else as numbers. */
export function weightOfBlocks(
  type: TensorType,
  bytes: Uint8Array<ArrayBuffer>,
  { rows, columns }: { rows: number; columns: number },
): StoredWeight {
  const { name } = type;
  const dense = (): StoredWeight => ({ kind: "dense", values: dequantizeBlocks(type, bytes) });
  if (!isCodeType(name)) return dense();
  const blocks = codesOfBlocks(name, bytes);
  const grid = gridOf(name, blocks);
  if (grid === null) return dense();
  const { bits, elements: groupSize } = codeType(name);
  return storedWeight({
    bits,
    rows,
    columns,
    groupSize,
    symmetric: codeType(name).zeroCode !== null,
    ...grid,
  });
}

interface Grid {
  readonly codes: Uint8Array;
  readonly scales: Float32Array;
  readonly zeroPoints: Uint8Array;
}

function gridOf(name: CodeTypeName, { codes, scales, minima }: BlockCodes): Grid | null {
  const { bits, zeroCode } = codeType(name);
  if (name === "Q2_0") {
    // Codes -1 … 2 of the file are codes 1 … -2 of the opposite scale, which is what a symmetric grid has.
    return {
      codes: codes.map((code) => 3 - code),
      scales: scales.map((scale) => -scale),
      zeroPoints: new Uint8Array(scales.length).fill(2),
    };
  }
  if (zeroCode !== null) return { codes, scales, zeroPoints: new Uint8Array(scales.length).fill(zeroCode) };
  const zeroPoints = new Uint8Array(scales.length);
  for (let block = 0; block < scales.length; block++) {
    const [scale, minimum] = [scales[block]!, minima[block]!];
    const zeroPoint = minimum === 0 ? 0 : -minimum / scale;
    if (!Number.isInteger(zeroPoint) || zeroPoint < 0 || zeroPoint >= 2 ** bits) return null;
    zeroPoints[block] = zeroPoint;
  }
  return { codes, scales, zeroPoints };
}
