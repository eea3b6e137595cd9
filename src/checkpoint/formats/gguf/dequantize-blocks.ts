/** @file The numbers that blocks of any tensor type stand for, by `ggml-quants.c`. */
import { bfloat16ToFloat32, float16ToFloat32 } from "../../half-floats.ts";
import { codesOfBlocks, codeType, type CodeTypeName } from "./block-codes.ts";
import {
  dequantizeQ2K,
  dequantizeQ3K,
  dequantizeQ4K,
  dequantizeQ5K,
  dequantizeQ6K,
  dequantizeTQ20,
  type BlockPlace,
} from "./k-quants.ts";
import type { TensorType } from "./tensor-types.ts";

/** Values of 4-bit codes in IQ4_NL (`kvalues_iq4nl`). */
const IQ4_NL_VALUES = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/** Dequantizes whole blocks; `bytes` has memory of its own, aligned for its element type. */
export function dequantizeBlocks(type: TensorType, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  switch (type.name) {
    case "F32":
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    case "F16":
      return float16ToFloat32(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2));
    case "BF16":
      return bfloat16ToFloat32(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2));
    case "Q2_K":
      return eachBlock(type, bytes, dequantizeQ2K);
    case "Q3_K":
      return eachBlock(type, bytes, dequantizeQ3K);
    case "Q4_K":
      return eachBlock(type, bytes, dequantizeQ4K);
    case "Q5_K":
      return eachBlock(type, bytes, dequantizeQ5K);
    case "Q6_K":
      return eachBlock(type, bytes, dequantizeQ6K);
    case "TQ2_0":
      return eachBlock(type, bytes, dequantizeTQ20);
    case "IQ4_NL":
      return dequantizeTable(bytes);
    case "Q2_0":
    case "Q4_0":
    case "Q4_1":
    case "Q5_0":
    case "Q5_1":
    case "Q8_0":
      return dequantizeCodes(type.name, bytes);
    default:
      return type.name satisfies never;
  }
}

function eachBlock(
  { blockBytes, blockElements }: TensorType,
  bytes: Uint8Array,
  dequantize: (place: BlockPlace) => void,
): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = bytes.length / blockBytes;
  const values = new Float32Array(blocks * blockElements);
  for (let block = 0; block < blocks; block++) {
    dequantize({ view, at: block * blockBytes, values, first: block * blockElements });
  }
  return values;
}

/** A code and a scale for each block, rounded once as in ggml where a minimum is added. */
function dequantizeCodes(name: CodeTypeName, bytes: Uint8Array): Float32Array {
  const { zeroCode, elements } = codeType(name);
  const { codes, scales, minima } = codesOfBlocks(name, bytes);
  const values = new Float32Array(codes.length);
  for (let index = 0; index < codes.length; index++) {
    const block = Math.floor(index / elements);
    values[index] =
      zeroCode === null
        ? codes[index]! * scales[block]! + minima[block]!
        : (codes[index]! - zeroCode) * scales[block]!;
  }
  return values;
}

/** The blocks of Q4_0 with codes that stand in a table. */
function dequantizeTable(bytes: Uint8Array): Float32Array {
  const { codes, scales } = codesOfBlocks("Q4_0", bytes);
  const elements = codeType("Q4_0").elements;
  return Float32Array.from(
    codes,
    (code, index) => IQ4_NL_VALUES[code]! * scales[Math.floor(index / elements)]!,
  );
}
