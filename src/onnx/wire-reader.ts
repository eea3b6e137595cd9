/**
 * @file Reads the protobuf wire format (https://protobuf.dev/programming-guides/encoding) of files that are not trusted.
 *
 * Every length is checked against the message it lies in before anything is made of it; nothing is copied.
 */
import { BitmendError } from "../util/errors.ts";

/** One field of a message. */
export interface WireField {
  readonly number: number;
  /** A varint as a signed 64-bit integer, or the bytes of anything else. */
  readonly value: bigint | Uint8Array;
}

const wireVarint = 0;
const wireFixed64 = 1;
const wireLengthDelimited = 2;
const wireFixed32 = 5;
const MAX_VARINT_BYTES = 10;

/**
 * The fields of a message in their order.
 *
 * @throws {BitmendError} `onnx/bad-message` when the bytes are no message.
 * @yields each field
 */
export function* wireFields(message: Uint8Array): Generator<WireField, void, void> {
  let offset = 0;
  const take = (length: bigint): Uint8Array => {
    if (length > BigInt(message.length - offset)) {
      throw malformed(`a field inside its message, got ${length} bytes of ${message.length - offset}`);
    }
    offset += Number(length);
    return message.subarray(offset - Number(length), offset);
  };
  const varint = (): bigint => {
    const { value, end } = readVarint(message, offset);
    offset = end;
    return value;
  };
  while (offset < message.length) {
    const tag = varint();
    const number = Number(tag / 8n);
    if (number < 1 || number > 536_870_911) throw malformed(`a field number, got ${number}`);
    yield { number, value: fieldValue(Number(tag % 8n), { take, varint }) };
  }
}

function fieldValue(
  wireType: number,
  { take, varint }: { readonly take: (length: bigint) => Uint8Array; readonly varint: () => bigint },
): bigint | Uint8Array {
  switch (wireType) {
    case wireVarint:
      return BigInt.asIntN(64, varint());
    case wireFixed64:
      return take(8n);
    case wireLengthDelimited:
      return take(varint());
    case wireFixed32:
      return take(4n);
    default:
      throw malformed(`a wire type of 0, 1, 2 or 5, got ${wireType}`);
  }
}

/** The integers of a packed repeated field. */
export function packedIntegers(bytes: Uint8Array): bigint[] {
  const values: bigint[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const { value, end } = readVarint(bytes, offset);
    values.push(BigInt.asIntN(64, value));
    offset = end;
  }
  return values;
}

/** UTF-8 text of a field; refuses an integer in its place. */
export function textOf({ value }: WireField): string {
  try {
    if (typeof value !== "bigint") return new TextDecoder("utf8", { fatal: true }).decode(value);
  } catch (cause) {
    throw malformed("UTF-8 text", cause);
  }
  throw malformed("text, got an integer");
}

/** The bytes of a nested message; refuses an integer in its place. */
export function messageOf({ value }: WireField): Uint8Array {
  if (typeof value !== "bigint") return value;
  throw malformed("a message, got an integer");
}

function readVarint(bytes: Uint8Array, start: number): { readonly value: bigint; readonly end: number } {
  let value = 0n;
  for (let index = 0; index < MAX_VARINT_BYTES; index++) {
    const byte = bytes[start + index];
    if (byte === undefined) throw malformed("an integer inside its message, got its end");
    value += BigInt(byte % 128) * 128n ** BigInt(index);
    if (byte < 128) return { value: BigInt.asUintN(64, value), end: start + index + 1 };
  }
  throw malformed(`an integer of at most ${MAX_VARINT_BYTES} bytes`);
}

function malformed(expected: string, cause?: unknown): BitmendError {
  return new BitmendError("onnx/bad-message", `wireFields(): expected ${expected}.`, {
    hint: "The file is damaged; write or download it again.",
    cause,
  });
}
