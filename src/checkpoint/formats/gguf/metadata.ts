/** @file Key-value metadata of a GGUF file: types, typed access, and the bytes of what is written. */
import { BitmendError } from "../../../util/errors.ts";

/** Ids of value types (docs/gguf.md of ggml, `gguf_metadata_value_type`). */
export const VALUE_TYPES = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

/** Integers of 64 bits become the nearest number. */
export type GgufValue = number | string | boolean | readonly GgufValue[];
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

/** One pair to write. */
export type GgufField =
  | { readonly key: string; readonly type: "u32" | "f32"; readonly value: number }
  | { readonly key: string; readonly type: "bool"; readonly value: boolean }
  | { readonly key: string; readonly type: "string"; readonly value: string }
  | { readonly key: string; readonly type: "strings"; readonly value: readonly string[] }
  | { readonly key: string; readonly type: "i32s" | "f32s"; readonly value: readonly number[] };

/** The bytes of one pair. */
export function fieldBytes(field: GgufField): Buffer {
  return Buffer.concat([stringBytes(field.key), ...valueBytes(field)]);
}

function valueBytes(field: GgufField): Buffer[] {
  switch (field.type) {
    case "u32":
      return [u32(VALUE_TYPES.u32), u32(field.value)];
    case "f32":
      return [u32(VALUE_TYPES.f32), arrayBytes(Float32Array.of(field.value))];
    case "bool":
      return [u32(VALUE_TYPES.bool), Buffer.of(field.value ? 1 : 0)];
    case "string":
      return [u32(VALUE_TYPES.string), stringBytes(field.value)];
    case "strings":
      return [...arrayHead(VALUE_TYPES.string, field.value), ...field.value.map(stringBytes)];
    case "i32s":
      return [...arrayHead(VALUE_TYPES.i32, field.value), arrayBytes(Int32Array.from(field.value))];
    case "f32s":
      return [...arrayHead(VALUE_TYPES.f32, field.value), arrayBytes(Float32Array.from(field.value))];
    default:
      return field satisfies never;
  }
}

function arrayHead(elementType: number, { length }: readonly unknown[]): Buffer[] {
  return [u32(VALUE_TYPES.array), u32(elementType), u64(length)];
}

function arrayBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** A string with its length. */
export function stringBytes(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** Reads typed values and notes what is missing or of another type. */
export class MetadataReader {
  readonly complaints: string[] = [];
  readonly #metadata: GgufMetadata;

  constructor(metadata: GgufMetadata) {
    this.#metadata = metadata;
  }

  number(key: string): number | null {
    return this.#typed(key, (value) => typeof value === "number");
  }

  /** A whole number that is not negative. */
  integer(key: string): number | null {
    return this.#typed(
      key,
      (value): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= 0,
    );
  }

  /** `tokenizer.ggml.NAME_token_id`; files without such a token may say so by 2^32 - 1. */
  tokenId(name: string): number | null {
    const id = this.integer(`tokenizer.ggml.${name}_token_id`);
    return id === 4_294_967_295 ? null : id;
  }

  string(key: string): string | null {
    return this.#typed(key, (value) => typeof value === "string");
  }

  boolean(key: string): boolean | null {
    return this.#typed(key, (value) => typeof value === "boolean");
  }

  strings(key: string): readonly string[] | null {
    return this.#typed(key, (value): value is readonly string[] => isArrayOf(value, "string"));
  }

  numbers(key: string): readonly number[] | null {
    return this.#typed(key, (value): value is readonly number[] => isArrayOf(value, "number"));
  }

  /** Notes that `key` must be there. */
  missing(key: string): void {
    this.refuse(key, "is missing");
  }

  refuse(key: string, what: string): void {
    this.complaints.push(`${key} ${what}`);
  }

  /** @throws {BitmendError} `checkpoint/unsupported-gguf` lists the complaints, if there are any. */
  throwIfRefused(where: string, expected: string): void {
    if (this.complaints.length === 0) return;
    const shown = this.complaints.slice(0, 20).join("; ");
    throw new BitmendError(
      "checkpoint/unsupported-gguf",
      `openGguf(): ${where}: expected ${expected}, but ${shown}.`,
      { hint: "bitmend reads dense llama, qwen2 and qwen3 models." },
    );
  }

  #typed<Value extends GgufValue>(key: string, is: (value: GgufValue) => value is Value): Value | null {
    const value = this.#metadata.get(key);
    if (value === undefined) return null;
    if (is(value)) return value;
    this.refuse(key, "is of another type");
    return null;
  }
}

function isArrayOf(value: GgufValue, type: "string" | "number"): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === type);
}
