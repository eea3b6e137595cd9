/** Element types of safetensors files that bitmend reads and writes, with their bytes per element. */
export const BYTES_PER_ELEMENT = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

export type StoredDataType = keyof typeof BYTES_PER_ELEMENT;

/** Where the bytes of one tensor lie: little-endian, row-major, inside the file at `path`. */
export interface TensorLocation {
  readonly path: string;
  readonly dataType: StoredDataType;
  readonly shape: readonly number[];
  /** Absolute byte offset in the file. */
  readonly offset: number;
  readonly byteLength: number;
}
