import { assert, bigInt, integer, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { floatField, integerField, join, message, messageField, stringField } from "./wire.ts";

/** The worked examples of https://protobuf.dev/programming-guides/encoding. */
describe("protobuf wire format", () => {
  test("worked example: field 1 = 150", () => {
    expect([...join(integerField(1, 150))]).toEqual([0x08, 0x96, 0x01]);
  });

  test("worked example: field 2 = testing", () => {
    const bytes = join(stringField(2, "testing"));
    expect(Buffer.from(bytes).toString("hex")).toBe("120774657374696e67");
  });

  test("worked example: field 3 = a message whose field 1 = 150", () => {
    expect([...join(messageField(3, integerField(1, 150)))]).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
  });

  test("worked example: -2 is 64-bit two's complement", () => {
    expect([...join(integerField(1, -2))]).toEqual([
      0x08,
      0xfe,
      ...Array.from({ length: 8 }, () => 0xff),
      0x01,
    ]);
  });

  test("worked example: a float is four bytes, little endian", () => {
    expect([...join(floatField(2, 1))]).toEqual([0x15, 0, 0, 0x80, 0x3f]);
  });

  test("property: every 64-bit integer reads back, and a message is its fields in a row", () => {
    assert(
      property(bigInt(-(2n ** 63n), 2n ** 63n - 1n), integer({ min: 1, max: 2000 }), (value, field) => {
        const bytes = join(message([integerField(field, value), integerField(field, 0)]));
        const [key, afterKey] = readVarint(bytes, 0);
        const [read, afterValue] = readVarint(bytes, afterKey);
        expect(key).toBe(BigInt(field * 8));
        expect(BigInt.asIntN(64, read)).toBe(value);
        expect(bytes.subarray(afterValue)).toEqual(join(integerField(field, 0)));
      }),
    );
  });
});

function readVarint(bytes: Uint8Array, start: number): readonly [value: bigint, end: number] {
  let value = 0n;
  let place = 1n;
  for (let offset = start; ; offset++) {
    const byte = BigInt(bytes[offset]!);
    value += (byte % 128n) * place;
    place *= 128n;
    if (byte < 128n) return [value, offset + 1];
  }
}
