/**
 * @file Blocks with one scale, and perhaps one minimum, and a code for each element, taken apart and put together.
 *
 * Layouts are those of ggml-common.h: fp16 scale; fp16 minimum where there is one; 32 fifth bits where there are; then the codes, as nibbles
 * with element j in the low and element j + 16 in the high half of byte j, as bytes, or (Q2_0) four to a byte.
 */
/* oxlint-disable eslint/no-bitwise -- packing bits into bytes is what this file does */
import type { TensorTypeName } from "./tensor-types.ts";

export interface CodeType {
  readonly bits: 2 | 4 | 5 | 8;
  /** Elements of a block. */
  readonly elements: number;
  readonly bytes: number;
  /** The code that stands for zero; null where a minimum is added instead. */
  readonly zeroCode: number | null;
}

const codeTypes = {
  Q2_0: { bits: 2, elements: 64, bytes: 18, zeroCode: 1 },
  Q4_0: { bits: 4, elements: 32, bytes: 18, zeroCode: 8 },
  Q4_1: { bits: 4, elements: 32, bytes: 20, zeroCode: null },
  Q5_0: { bits: 5, elements: 32, bytes: 22, zeroCode: 16 },
  Q5_1: { bits: 5, elements: 32, bytes: 24, zeroCode: null },
  Q8_0: { bits: 8, elements: 32, bytes: 34, zeroCode: 128 },
} as const satisfies Partial<Record<TensorTypeName, CodeType>>;

export type CodeTypeName = keyof typeof codeTypes;

/** Whether a tensor type has one scale a block. */
export function isCodeType(name: TensorTypeName): name is CodeTypeName {
  return Object.hasOwn(codeTypes, name);
}

/** How the blocks of a type look. */
export function codeType(name: CodeTypeName): CodeType {
  return codeTypes[name];
}

/** Blocks taken apart: value = code · scale + minimum, or (code - zeroCode) · scale. */
export interface BlockCodes {
  /** One for each element, unsigned. */
  readonly codes: Uint8Array;
  /** One for each block, exact in fp16. */
  readonly scales: Float32Array;
  /** One for each block, exact in fp16; empty for types with a zero code. */
  readonly minima: Float32Array;
}

/** Takes whole blocks apart. */
export function codesOfBlocks(name: CodeTypeName, bytes: Uint8Array): BlockCodes {
  const type = codeTypes[name];
  const blocks = bytes.length / type.bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const codes = new Uint8Array(blocks * type.elements);
  const scales = new Float32Array(blocks);
  const minima = new Float32Array(type.zeroCode === null ? blocks : 0);
  for (let block = 0; block < blocks; block++) {
    const at = block * type.bytes;
    scales[block] = view.getFloat16(at, true);
    if (type.zeroCode === null) minima[block] = view.getFloat16(at + 2, true);
    readCodes(type.bits, { bytes, at: at + headBytes(type), codes, first: block * type.elements });
  }
  return { codes, scales, minima };
}

/** The inverse of {@link codesOfBlocks}. */
export function blocksOfCodes(
  name: CodeTypeName,
  { codes, scales, minima }: BlockCodes,
): Uint8Array<ArrayBuffer> {
  const type = codeTypes[name];
  const bytes = new Uint8Array(scales.length * type.bytes);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < scales.length; block++) {
    const at = block * type.bytes;
    view.setFloat16(at, scales[block]!, true);
    if (type.zeroCode === null) view.setFloat16(at + 2, minima[block]!, true);
    writeCodes(type.bits, { bytes, at: at + headBytes(type), codes, first: block * type.elements });
  }
  return bytes;
}

function headBytes({ zeroCode }: CodeType): number {
  return zeroCode === null ? 4 : 2;
}

/** One block: its bytes behind scale and minimum, and the index of its first code. */
interface CodesPlace {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly codes: Uint8Array;
  readonly first: number;
}

function readCodes(bits: CodeType["bits"], { bytes, at, codes, first }: CodesPlace): void {
  if (bits === 8) {
    // Q8_0 stores signed bytes: flipping the top bit adds 128.
    for (let element = 0; element < 32; element++) codes[first + element] = bytes[at + element]! ^ 128;
    return;
  }
  if (bits === 2) {
    for (let element = 0; element < 64; element++) {
      codes[first + element] = (bytes[at + (element >> 2)]! >> (2 * (element & 3))) & 3;
    }
    return;
  }
  const nibblesAt = bits === 5 ? at + 4 : at;
  for (let element = 0; element < 16; element++) {
    const byte = bytes[nibblesAt + element]!;
    codes[first + element] = byte & 15;
    codes[first + element + 16] = byte >> 4;
  }
  if (bits === 4) return;
  for (let element = 0; element < 32; element++) {
    codes[first + element]! |= ((bytes[at + (element >> 3)]! >> (element & 7)) & 1) << 4;
  }
}

function writeCodes(bits: CodeType["bits"], { bytes, at, codes, first }: CodesPlace): void {
  if (bits === 8) {
    for (let element = 0; element < 32; element++) bytes[at + element] = codes[first + element]! ^ 128;
    return;
  }
  if (bits === 2) {
    for (let element = 0; element < 64; element++) {
      bytes[at + (element >> 2)]! |= codes[first + element]! << (2 * (element & 3));
    }
    return;
  }
  const nibblesAt = bits === 5 ? at + 4 : at;
  for (let element = 0; element < 16; element++) {
    bytes[nibblesAt + element] = (codes[first + element]! & 15) | ((codes[first + element + 16]! & 15) << 4);
  }
  if (bits === 4) return;
  for (let element = 0; element < 32; element++) {
    bytes[at + (element >> 3)]! |= (codes[first + element]! >> 4) << (element & 7);
  }
}
