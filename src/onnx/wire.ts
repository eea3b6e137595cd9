/**
 * @file The protobuf wire format, as far as ONNX models need it (https://protobuf.dev/programming-guides/encoding).
 *
 * A message is a list of byte chunks; weights are copied once, when the finished model is joined.
 */

/** An encoded message or field: chunks to be joined, and their total length in bytes. */
export interface Encoded {
  readonly chunks: readonly Uint8Array[];
  readonly byteLength: number;
}

const textEncoder = new TextEncoder();
const wireVarint = 0;
const wireLengthDelimited = 2;
const wireFixed32 = 5;

/** Concatenates fields into one message. */
export function message(fields: readonly Encoded[]): Encoded {
  return {
    chunks: fields.flatMap((field) => field.chunks),
    byteLength: fields.reduce((sum, field) => sum + field.byteLength, 0),
  };
}

/** Copies all chunks into one array. */
export function join(encoded: Encoded): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(encoded.byteLength);
  let offset = 0;
  for (const chunk of encoded.chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}

/** An integer field; negative values take the ten bytes of 64-bit two's complement. */
export function integerField(field: number, value: number | bigint): Encoded {
  return single([...tag(field, wireVarint), ...varint(value)]);
}

/** A 32-bit float field. */
export function floatField(field: number, value: number): Encoded {
  return single([...tag(field, wireFixed32), ...new Uint8Array(Float32Array.of(value).buffer)]);
}

/** A string field, UTF-8. */
export function stringField(field: number, value: string): Encoded {
  return bytesField(field, textEncoder.encode(value));
}

/** A bytes field; `value` is referenced, not copied. */
export function bytesField(field: number, value: Uint8Array): Encoded {
  return messageField(field, { chunks: [value], byteLength: value.length });
}

/** A nested message. */
export function messageField(field: number, value: Encoded): Encoded {
  const head = Uint8Array.from([...tag(field, wireLengthDelimited), ...varint(value.byteLength)]);
  return { chunks: [head, ...value.chunks], byteLength: head.length + value.byteLength };
}

function single(bytes: readonly number[]): Encoded {
  return { chunks: [Uint8Array.from(bytes)], byteLength: bytes.length };
}

function tag(field: number, wireType: number): number[] {
  return varint(field * 8 + wireType);
}

function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest % 128n) + 128);
    rest /= 128n;
  }
  bytes.push(Number(rest));
  return bytes;
}
