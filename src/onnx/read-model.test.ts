import { assert, constantFrom, integer, property, record, string, uniqueArray } from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeModel } from "./model.ts";
import { readOnnxModel } from "./read-model.ts";
import { packedIntegers, textOf, wireFields } from "./wire-reader.ts";
import { floatField, integerField, join, message, messageField, stringField } from "./wire.ts";

describe("the wire format", () => {
  test("worked example of protobuf.dev: field 1 = 150", () => {
    expect([...wireFields(Uint8Array.of(0x08, 0x96, 0x01))]).toEqual([{ number: 1, value: 150n }]);
  });

  test("worked example of protobuf.dev: packed 3, 270, 86942", () => {
    expect(packedIntegers(Uint8Array.of(0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05))).toEqual([3n, 270n, 86_942n]);
  });

  test("property: what is written is read", () => {
    assert(
      property(integer(), string(), integer({ min: 1, max: 536_870_911 }), (value, text, number) => {
        const fields = [integerField(number, value), stringField(2, text), floatField(3, 1)];
        const read = [...wireFields(join(message(fields)))];
        expect(read.map((field) => field.number)).toEqual([number, 2, 3]);
        expect(read[0]!.value).toBe(BigInt(value));
        expect(textOf(read[1]!)).toBe(text);
        expect(read[2]!.value).toEqual(Uint8Array.of(0, 0, 0x80, 0x3f));
      }),
    );
  });

  test.each([
    ["an end inside an integer", [0x08, 0x96]],
    ["a length beyond the end", [0x0a, 0x05, 0x01]],
    ["a length of 2^63", [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ["an integer of eleven bytes", [0x08, ...Array.from({ length: 11 }, () => 0xff), 1]],
    ["a group", [0x0b]],
    ["field 0", [0x00, 0x01]],
  ])("%s is refused", (_, bytes) => {
    expect(() => [...wireFields(Uint8Array.from(bytes))]).toThrow(
      expect.objectContaining({ code: "onnx/bad-message" }),
    );
  });
});

describe("a model", () => {
  const shapes = uniqueArray(integer({ min: 0, max: 5 }), { maxLength: 3 });
  const tensor = record({
    name: string({ minLength: 1 }),
    dataType: constantFrom("f32" as const, "bf16" as const, "f16" as const, "u8" as const),
    shape: shapes,
    offset: integer({ min: 0, max: 2 ** 31 - 1 }),
  });

  test("property: metadata and external tensors come back, others are left out", () => {
    assert(
      property(uniqueArray(tensor, { selector: ({ name }) => name }), string(), (tensors, text) => {
        const bytes = { f32: 4, f16: 2, bf16: 2, u8: 1 };
        const initializers = tensors.map(({ name, dataType, shape, offset }) => {
          const length = shape.reduce((product, size) => product * size, bytes[dataType]);
          return { name, dataType, shape, data: { file: "weights", offset, length } };
        });
        const inside = { name: "\0inside", dataType: "f32", shape: [1], data: Float32Array.of(1) } as const;
        const model = encodeModel({
          nodes: [],
          inputs: [],
          outputs: [],
          initializers: [inside, ...initializers],
          metadata: { key: text },
        });
        const read = readOnnxModel(model);
        expect(read.producer).toBe("bitmend");
        expect(read.metadata).toEqual(new Map([["key", text]]));
        expect([...read.externalTensors]).toEqual(
          initializers.map(({ name, dataType, shape, data }) => [name, { dataType, shape, location: data }]),
        );
      }),
    );
  });

  test("a length that contradicts the shape is refused", () => {
    const location = [
      ["location", "weights"],
      ["offset", "0"],
      ["length", "9"],
    ].map(([key, value]) => messageField(13, message([stringField(1, key!), stringField(2, value!)])));
    const tensorMessage = message([
      integerField(1, 2),
      integerField(2, 1),
      stringField(8, "w"),
      ...location,
      integerField(14, 1),
    ]);
    const model = join(messageField(7, messageField(5, tensorMessage)));
    expect(() => readOnnxModel(model)).toThrowErrorMatchingInlineSnapshot(
      `[BitmendError: readOnnxModel(): expected 8 bytes for f32 [2] "w", got 9. The file is damaged; write or download it again.]`,
    );
  });
});
