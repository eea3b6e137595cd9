/**
 * @file Which tensor type holds a quantized matrix, exactly or nearest, and its blocks.
 *
 * A type with one scale a block and a zero code c holds every code difference from -c on; a negative scale mirrors the range. So Q4_0 holds
 * 4-bit symmetric codes and all of 3 bits, Q5_0 all of 4 bits, Q8_0 all of 5 and 6 bits and symmetric 8 bits. Types with a minimum hold
 * codes as they are, where zeroPoint · scale is a number of fp16.
 */
import { dequantize } from "../../dequantize.ts";
import type { QuantizedMatrix } from "../../quantized-matrix.ts";
import { blocksOfCodes, codeType, type CodeTypeName } from "./block-codes.ts";
import { tensorType, type TensorType } from "./tensor-types.ts";

/** Smallest first. */
const candidates: readonly CodeTypeName[] = ["Q2_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"];

/** Elements of a block of most types. */
const BLOCK = 32;

export interface ChosenType {
  readonly type: TensorType;
  /** Why no type holds the numbers exactly, in words that end an error message; null when this one does. */
  readonly inexact: string | null;
}

/** The smallest type that holds a matrix exactly; else the nearest, Q8_0, and why. Rows that no block divides are stored as F32. */
export function chooseType(matrix: QuantizedMatrix): ChosenType {
  const inexact =
    matrix.activations === undefined ? null : "the rounding of activations to 8 bits has no place in GGUF";
  if (matrix.columns % BLOCK !== 0) return { type: tensorType("F32"), inexact };
  const differences = differencesOf(matrix);
  const name = candidates.find((candidate) => holds(candidate, matrix, differences));
  if (name !== undefined) return { type: tensorType(name), inexact };
  const reason =
    matrix.groupSize % BLOCK === 0
      ? `no type holds ${matrix.bits}-bit codes with these zero points`
      : `the blocks of ${BLOCK} that every type has do not fit groups of ${matrix.groupSize}`;
  return { type: tensorType("Q8_0"), inexact: reason };
}

/** The blocks of a matrix in the type that {@link chooseType} chose, [rows, columns / blockElements]. */
export function blocksOfMatrix(
  matrix: QuantizedMatrix,
  { type, inexact }: ChosenType,
): Uint8Array<ArrayBuffer> {
  if (type.name === "F32") return new Uint8Array(Float32Array.from(dequantize(matrix)).buffer);
  const name = candidates.find((candidate) => candidate === type.name)!;
  const differences = differencesOf(matrix);
  const isExact = inexact === null || holds(name, matrix, differences);
  return isExact ? exactBlocks(name, { matrix, differences }) : nearestBlocks(matrix);
}

function holds(name: CodeTypeName, matrix: QuantizedMatrix, differences: Differences): boolean {
  const { elements, bits, zeroCode } = codeType(name);
  if (matrix.groupSize % elements !== 0) return false;
  if (zeroCode !== null) return signsOf(name, differences) !== null;
  if (matrix.bits > bits) return false;
  return matrix.scales.every((scale, group) => {
    const minimum = -matrix.zeroPoints[group]! * scale;
    return Math.f16round(minimum) === minimum;
  });
}

/** Smallest and largest difference of code and zero point in each group. */
interface Differences {
  readonly smallest: Int16Array;
  readonly largest: Int16Array;
}

function differencesOf({ codes, zeroPoints, groupSize }: QuantizedMatrix): Differences {
  const smallest = new Int16Array(zeroPoints.length);
  const largest = new Int16Array(zeroPoints.length);
  for (let group = 0; group < zeroPoints.length; group++) {
    let [least, most] = [255, 0];
    for (let index = group * groupSize; index < (group + 1) * groupSize; index++) {
      const code = codes[index]!;
      if (code < least) least = code;
      if (code > most) most = code;
    }
    smallest[group] = least - zeroPoints[group]!;
    largest[group] = most - zeroPoints[group]!;
  }
  return { smallest, largest };
}

/** For each group the sign that brings its code differences into the range of a type; null when there is none for some group. */
function signsOf(name: CodeTypeName, { smallest, largest }: Differences): Int8Array | null {
  const { bits, zeroCode } = codeType(name);
  const [least, most] = [-zeroCode!, 2 ** bits - 1 - zeroCode!];
  // Symmetric 2-bit codes are those of Q2_0 mirrored: trying that sign first keeps their scales what they were when read back.
  const preferred = name === "Q2_0" ? -1 : 1;
  const signs = new Int8Array(smallest.length);
  for (let group = 0; group < signs.length; group++) {
    const fits = (sign: number): boolean => {
      const [from, to] =
        sign > 0 ? [smallest[group]!, largest[group]!] : [-largest[group]!, -smallest[group]!];
      return from >= least && to <= most;
    };
    const sign = fits(preferred) ? preferred : -preferred;
    if (!fits(sign)) return null;
    signs[group] = sign;
  }
  return signs;
}

function exactBlocks(
  name: CodeTypeName,
  { matrix, differences }: { matrix: QuantizedMatrix; differences: Differences },
): Uint8Array<ArrayBuffer> {
  const { elements, zeroCode } = codeType(name);
  const { codes, zeroPoints, scales, groupSize } = matrix;
  const blocksPerGroup = groupSize / elements;
  const perBlock = (ofGroup: (group: number) => number): Float32Array =>
    Float32Array.from({ length: codes.length / elements }, (_, block) =>
      ofGroup(Math.floor(block / blocksPerGroup)),
    );
  if (zeroCode === null) {
    return blocksOfCodes(name, {
      codes,
      scales: perBlock((group) => scales[group]!),
      minima: perBlock((group) => (zeroPoints[group] === 0 ? 0 : -zeroPoints[group]! * scales[group]!)),
    });
  }
  const signs = signsOf(name, differences)!;
  const shifted = new Uint8Array(codes.length);
  for (let group = 0; group < signs.length; group++) {
    const [sign, zeroPoint] = [signs[group]!, zeroPoints[group]!];
    for (let index = group * groupSize; index < (group + 1) * groupSize; index++) {
      shifted[index] = zeroCode + sign * (codes[index]! - zeroPoint);
    }
  }
  return blocksOfCodes(name, {
    codes: shifted,
    scales: perBlock((group) => signs[group]! * scales[group]!),
    minima: new Float32Array(),
  });
}

/** Q8_0 as ggml rounds to it: scale = absmax / 127. */
function nearestBlocks(matrix: QuantizedMatrix): Uint8Array<ArrayBuffer> {
  const values = dequantize(matrix);
  const codes = new Uint8Array(values.length);
  const scales = new Float32Array(values.length / BLOCK);
  for (let block = 0; block < scales.length; block++) {
    const first = block * BLOCK;
    let largest = 0;
    for (let index = first; index < first + BLOCK; index++)
      largest = Math.max(largest, Math.abs(values[index]!));
    const scale = Math.f16round(largest / 127);
    scales[block] = scale;
    for (let index = first; index < first + BLOCK; index++) {
      const code = scale === 0 ? 0 : Math.round(values[index]! / scale);
      codes[index] = 128 + Math.min(Math.max(code, -128), 127);
    }
  }
  return blocksOfCodes("Q8_0", { codes, scales, minima: new Float32Array() });
}
