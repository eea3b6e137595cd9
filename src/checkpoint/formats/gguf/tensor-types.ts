/** @file Tensor types of GGUF files that bitmend reads (ggml.h `ggml_type`, block layouts in ggml-common.h). */

export type TensorTypeName =
  | "F32"
  | "F16"
  | "BF16"
  | "Q2_0"
  | "Q4_0"
  | "Q4_1"
  | "Q5_0"
  | "Q5_1"
  | "Q8_0"
  | "IQ4_NL"
  | "TQ2_0"
  | "Q2_K"
  | "Q3_K"
  | "Q4_K"
  | "Q5_K"
  | "Q6_K";

/** How a type stores consecutive elements of a row. */
export interface TensorType {
  readonly name: TensorTypeName;
  /** `ggml_type`. */
  readonly id: number;
  /** `llama_ftype` of a file whose matrices are mostly of this type. */
  readonly fileType: number;
  /** Elements of a block; a row is a whole number of them. */
  readonly blockElements: number;
  readonly blockBytes: number;
}

const table: readonly (readonly [TensorTypeName, number, number, number, number])[] = [
  ["F32", 0, 0, 1, 4],
  ["F16", 1, 1, 1, 2],
  ["Q4_0", 2, 2, 32, 18],
  ["Q4_1", 3, 3, 32, 20],
  ["Q5_0", 6, 8, 32, 22],
  ["Q5_1", 7, 9, 32, 24],
  ["Q8_0", 8, 7, 32, 34],
  ["Q2_K", 10, 10, 256, 84],
  ["Q3_K", 11, 12, 256, 110],
  ["Q4_K", 12, 15, 256, 144],
  ["Q5_K", 13, 17, 256, 176],
  ["Q6_K", 14, 18, 256, 210],
  ["IQ4_NL", 20, 25, 32, 18],
  ["BF16", 30, 32, 1, 2],
  ["TQ2_0", 35, 37, 256, 66],
  ["Q2_0", 42, 41, 64, 18],
];

const types: readonly TensorType[] = table.map(([name, id, fileType, blockElements, blockBytes]) => ({
  name,
  id,
  fileType,
  blockElements,
  blockBytes,
}));

const byId = new Map(types.map((type) => [type.id, type]));
const byName = new Map(types.map((type) => [type.name, type]));

/** The type with this `ggml_type`, undefined for one that is not read. */
export function tensorTypeOfId(id: number): TensorType | undefined {
  return byId.get(id);
}

/** The type of a name. */
export function tensorType(name: TensorTypeName): TensorType {
  return byName.get(name)!;
}

/** Bytes of `elements` consecutive elements, a whole number of blocks. */
export function byteLengthOf({ blockElements, blockBytes }: TensorType, elements: number): number {
  return (elements / blockElements) * blockBytes;
}
