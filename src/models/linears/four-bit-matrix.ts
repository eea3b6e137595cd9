/** @file The memory layout of `com.microsoft.MatMulNBits` with 4-bit codes. */
/* oxlint-disable eslint/no-bitwise -- two codes share a byte */
import type { QuantizedMatrix } from "../../checkpoint/quantized-matrix.ts";
import { BitmendError } from "../../util/errors.ts";

/** Two codes a byte, the even column in the low half; zero points likewise along the blocks of a row. */
export interface FourBitMatrix {
  readonly rows: number;
  readonly columns: number;
  /** Columns per scale: 16, 32, 64, 128 or 256. */
  readonly blockSize: number;
  /** [rows, blocks, blockSize / 2]. */
  readonly codes: Uint8Array;
  /** [rows, blocks]. */
  readonly scales: Float32Array;
  /** [rows, ceil(blocks / 2)]. */
  readonly zeroPoints: Uint8Array;
}

/** Packs codes below 16; numbers stay what they are, whatever `bits` says. */
export function packFourBits({
  rows,
  columns,
  groupSize,
  codes,
  scales,
  zeroPoints,
}: QuantizedMatrix): FourBitMatrix {
  const blockSize = blockSizeOf(groupSize, columns);
  const blocks = Math.ceil(columns / blockSize);
  const groups = columns / groupSize;
  const zeroBytes = Math.ceil(blocks / 2);
  const packed = {
    codes: new Uint8Array((rows * blocks * blockSize) / 2),
    scales: new Float32Array(rows * blocks),
    zeroPoints: new Uint8Array(rows * zeroBytes),
  };
  const rowBytes = (blocks * blockSize) / 2;
  for (let row = 0; row < rows; row++) {
    const [from, to] = [row * columns, row * rowBytes];
    for (let pair = 0; pair < columns >> 1; pair++)
      packed.codes[to + pair] = codes[from + 2 * pair]! | (codes[from + 2 * pair + 1]! << 4);
    if (columns % 2 === 1) packed.codes[to + (columns >> 1)] = codes[from + columns - 1]!;
    for (let block = 0; block < blocks; block++) {
      const group = row * groups + Math.floor((block * blockSize) / groupSize);
      packed.scales[row * blocks + block] = scales[group]!;
      packed.zeroPoints[row * zeroBytes + (block >> 1)]! |= zeroPoints[group]! << (4 * (block & 1));
    }
  }
  return { rows, columns, blockSize, ...packed };
}

/** Shapes of the three tensors. */
export function fourBitShapes({
  rows,
  columns,
  groupSize,
}: Pick<QuantizedMatrix, "rows" | "columns" | "groupSize">): Readonly<
  Record<"codes" | "scales" | "zeroPoints", readonly number[]>
> {
  const blockSize = blockSizeOf(groupSize, columns);
  const blocks = Math.ceil(columns / blockSize);
  return {
    codes: [rows, blocks, blockSize / 2],
    scales: [rows * blocks],
    zeroPoints: [rows * Math.ceil(blocks / 2)],
  };
}

/**
 * The inverse of {@link packFourBits}, from tensors of the sizes of {@link fourBitShapes}.
 *
 * @throws {BitmendError} `models/bad-parts` when blocks of one group differ in scale or zero point.
 */
export function unpackFourBits(
  { rows, columns, groupSize }: Pick<QuantizedMatrix, "rows" | "columns" | "groupSize">,
  packed: Pick<FourBitMatrix, "codes" | "scales" | "zeroPoints">,
): Pick<QuantizedMatrix, "codes" | "scales" | "zeroPoints"> {
  const blockSize = blockSizeOf(groupSize, columns);
  const blocks = Math.ceil(columns / blockSize);
  const groups = columns / groupSize;
  const zeroBytes = Math.ceil(blocks / 2);
  const codes = new Uint8Array(rows * columns);
  const scales = new Float32Array(rows * groups).fill(Number.NaN);
  const zeroPoints = new Uint8Array(rows * groups);
  const rowBytes = (blocks * blockSize) / 2;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const byte = packed.codes[row * rowBytes + (column >> 1)]!;
      codes[row * columns + column] = (byte >> (4 * (column & 1))) & 15;
    }
    for (let block = 0; block < blocks; block++) {
      const group = row * groups + Math.floor((block * blockSize) / groupSize);
      const scale = packed.scales[row * blocks + block]!;
      const zeroPoint = (packed.zeroPoints[row * zeroBytes + (block >> 1)]! >> (4 * (block & 1))) & 15;
      const isFirst = (block * blockSize) % groupSize === 0;
      if (!isFirst && (scales[group] !== scale || zeroPoints[group] !== zeroPoint)) throw unequalBlocks(row);
      scales[group] = scale;
      zeroPoints[group] = zeroPoint;
    }
  }
  return { codes, scales, zeroPoints };
}

function unequalBlocks(row: number): BitmendError {
  return new BitmendError(
    "models/bad-parts",
    `unpackFourBits(): expected one scale and zero point in all blocks of a group, got several in row ${row}.`,
    { hint: "The file is damaged; write it again." },
  );
}

/**
 * The largest supported block that never spans two groups; one group per row allows any, as the padding of the last block meets no input.
 *
 * @throws {BitmendError} `models/unsupported-group-size` when there is none.
 */
export function blockSizeOf(groupSize: number, columns: number): number {
  const fitting = [128, 64, 32, 16].find((size) => groupSize % size === 0);
  if (fitting !== undefined) return fitting;
  if (groupSize === columns) return 32;
  throw new BitmendError(
    "models/unsupported-group-size",
    `packFourBits(): expected a group size divisible by 16, or whole rows, got ${groupSize} of ${columns} columns.`,
  );
}
