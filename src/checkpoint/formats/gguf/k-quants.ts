/**
 * @file Values of the K-quant blocks: 256 elements whose scales, and minima, are themselves small integers times one fp16 number.
 *
 * Source: `dequantize_row_q*_K` of ggml-quants.c. Every product fits float32 exactly; only the subtraction of a minimum rounds, once.
 */
/* oxlint-disable eslint/no-bitwise -- unpacking fields of a few bits is all this file does */

/** Where one block is read from and its values written to. */
export interface BlockPlace {
  readonly view: DataView;
  /** Byte offset of the block. */
  readonly at: number;
  readonly values: Float32Array;
  /** Index of the first element of the block. */
  readonly first: number;
}

/** Scales and minima of 4 bits for groups of 16, codes of 2 bits. */
export function dequantizeQ2K({ view, at, values, first }: BlockPlace): void {
  const [scale, minimum] = [view.getFloat16(at + 80, true), view.getFloat16(at + 82, true)];
  for (let element = 0; element < 256; element++) {
    const packed = view.getUint8(at + (element >> 4));
    const code = twoBits(view, at + 16, element);
    values[first + element] = scale * (packed & 15) * code - minimum * (packed >> 4);
  }
}

/** Scales of 6 bits, minus 32, for groups of 16, codes of 3 bits, minus 4: two low bits in planes and one high bit in a mask. */
export function dequantizeQ3K({ view, at, values, first }: BlockPlace): void {
  const scale = view.getFloat16(at + 108, true);
  for (let element = 0; element < 256; element++) {
    const group = element >> 4;
    const low = (view.getUint8(at + 96 + (group & 7)) >> (group < 8 ? 0 : 4)) & 15;
    const high = (view.getUint8(at + 104 + (group & 3)) >> (2 * (group >> 2))) & 3;
    const highBit = (view.getUint8(at + (element & 31)) >> (element >> 5)) & 1;
    const code = twoBits(view, at + 32, element) + 4 * highBit - 4;
    values[first + element] = scale * ((low | (high << 4)) - 32) * code;
  }
}

/** Scales and minima of 6 bits for groups of 32, codes of 4 bits. */
export function dequantizeQ4K({ view, at, values, first }: BlockPlace): void {
  const [scale, minimum] = [view.getFloat16(at, true), view.getFloat16(at + 2, true)];
  for (let element = 0; element < 256; element++) {
    const { groupScale, groupMinimum } = sixBits(view, at + 4, element >> 5);
    const code = nibbleOf64(view, at + 16, element);
    values[first + element] = scale * groupScale * code - minimum * groupMinimum;
  }
}

/** As Q4_K, with a fifth bit of each code in planes. */
export function dequantizeQ5K({ view, at, values, first }: BlockPlace): void {
  const [scale, minimum] = [view.getFloat16(at, true), view.getFloat16(at + 2, true)];
  for (let element = 0; element < 256; element++) {
    const { groupScale, groupMinimum } = sixBits(view, at + 4, element >> 5);
    const highBit = (view.getUint8(at + 16 + (element & 31)) >> (element >> 5)) & 1;
    const code = nibbleOf64(view, at + 48, element) + 16 * highBit;
    values[first + element] = scale * groupScale * code - minimum * groupMinimum;
  }
}

/** Scales of 8 bits for groups of 16, codes of 6 bits, minus 32: four low bits and two high bits apart. */
export function dequantizeQ6K({ view, at, values, first }: BlockPlace): void {
  const scale = view.getFloat16(at + 208, true);
  for (let element = 0; element < 256; element++) {
    const [half, inHalf] = [element >> 7, element & 127];
    const low = (view.getUint8(at + 64 * half + (inHalf & 63)) >> (inHalf < 64 ? 0 : 4)) & 15;
    const high = (view.getUint8(at + 128 + 32 * half + (inHalf & 31)) >> (2 * (inHalf >> 5))) & 3;
    const groupScale = view.getInt8(at + 192 + (element >> 4));
    values[first + element] = scale * groupScale * ((low | (high << 4)) - 32);
  }
}

/** Ternary weights, -1, 0 and 1 times one scale. */
export function dequantizeTQ20({ view, at, values, first }: BlockPlace): void {
  const scale = view.getFloat16(at + 64, true);
  for (let element = 0; element < 256; element++) {
    values[first + element] = scale * (twoBits(view, at, element) - 1);
  }
}

/** Of each 128 elements, 32 bytes hold element l, l + 32, l + 64 and l + 96 in bits 0-1, 2-3, 4-5 and 6-7. */
function twoBits(view: DataView, at: number, element: number): number {
  const byte = view.getUint8(at + 32 * (element >> 7) + (element & 31));
  return (byte >> (2 * ((element >> 5) & 3))) & 3;
}

/** Of each 64 elements, 32 bytes hold the first half in their low, the second in their high nibbles. */
function nibbleOf64(view: DataView, at: number, element: number): number {
  const byte = view.getUint8(at + 32 * (element >> 6) + (element & 31));
  return (byte >> ((element & 32) === 0 ? 0 : 4)) & 15;
}

/** Eight scales and eight minima of 6 bits in 12 bytes (`get_scale_min_k4`). */
function sixBits(
  view: DataView,
  at: number,
  group: number,
): { readonly groupScale: number; readonly groupMinimum: number } {
  const byte = (index: number): number => view.getUint8(at + index);
  if (group < 4) return { groupScale: byte(group) & 63, groupMinimum: byte(group + 4) & 63 };
  const low = byte(group + 4);
  return {
    groupScale: (low & 15) | ((byte(group - 4) >> 6) << 4),
    groupMinimum: (low >> 4) | ((byte(group) >> 6) << 4),
  };
}
