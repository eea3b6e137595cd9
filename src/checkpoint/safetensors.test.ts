import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readFloat32 } from "./read-float32.ts";
import {
  readSafetensorsHeader,
  readTensorBytes,
  writeSafetensors,
  type TensorToWrite,
} from "./safetensors.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-safetensors-"));
afterAll(() => rmSync(directory, { recursive: true }));
const path = join(directory, "model.safetensors");

const tensors: TensorToWrite[] = [
  { name: "bytes", dataType: "U8", shape: [3], data: new Uint8Array([1, 2, 3]) },
  {
    name: "weight",
    dataType: "F32",
    shape: [1, 2],
    data: () => new Uint8Array(new Float32Array([0.5, -2]).buffer),
  },
  { name: "empty", dataType: "I64", shape: [0, 4], data: new Uint8Array(0) },
  { name: "half", dataType: "F16", shape: [], data: new Uint8Array([0x00, 0x3c]) },
];

/** A file of this JSON header and so many bytes of data; the announced length can lie. */
function file(
  header: unknown,
  { dataBytes = 0, announced }: { dataBytes?: number; announced?: bigint } = {},
): string {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(announced ?? BigInt(json.length));
  const damaged = join(directory, "damaged.safetensors");
  writeFileSync(damaged, Buffer.concat([length, json, Buffer.alloc(dataBytes)]));
  return damaged;
}

const entry = (begin: number, end: number, shape: unknown = [(end - begin) / 4]): unknown => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

describe("writeSafetensors", () => {
  it("puts wide types first, aligned, behind a header of a multiple of 8 bytes", () => {
    writeSafetensors(path, tensors, { format: "pt" });
    const { dataOffset, tensors: found, metadata } = readSafetensorsHeader(path);
    expect(dataOffset % 8).toBe(0);
    expect(metadata).toEqual({ format: "pt" });
    expect([...found].map(([name, { offset }]) => [name, offset - dataOffset])).toEqual([
      ["empty", 0],
      ["weight", 0],
      ["half", 8],
      ["bytes", 10],
    ]);
    expect([...readFloat32(found.get("weight")!)]).toEqual([0.5, -2]);
    expect([...readFloat32(found.get("half")!)]).toEqual([1]);
    expect([...readTensorBytes(found.get("bytes")!)]).toEqual([1, 2, 3]);
    expect(() => readFloat32(found.get("bytes")!)).toThrow(
      expect.objectContaining({ code: "checkpoint/not-float" }),
    );
  });

  it("writes the same bytes whatever the order", () => {
    writeSafetensors(path, tensors);
    const bytes = readFileSync(path);
    writeSafetensors(path, tensors.toReversed());
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it("keeps the old file and leaves nothing behind when it fails", () => {
    writeSafetensors(path, tensors);
    const bytes = readFileSync(path);
    const failing: TensorToWrite = {
      name: "weight",
      dataType: "F32",
      shape: [2],
      data: () => new Uint8Array(4),
    };
    expect(() => writeSafetensors(path, [failing])).toThrow(
      expect.objectContaining({ code: "checkpoint/bad-tensor" }),
    );
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(directory).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });

  it("says why a directory cannot be written", () => {
    expect(() => writeSafetensors(join(directory, "absent", "model.safetensors"), [])).toThrow(
      expect.objectContaining({ code: "files/not-found" }),
    );
    // Writing to /dev/full fails with ENOSPC, as a full disk does; the name is that of the partial file.
    const full = join(directory, "full.safetensors");
    if (existsSync("/dev/full")) symlinkSync("/dev/full", `${full}.partial`);
    else return;
    expect(() => writeSafetensors(full, tensors)).toThrow(
      expect.objectContaining({ code: "files/disk-full" }),
    );
    expect(existsSync(`${full}.partial`)).toBe(false);
  });

  it("refuses names that occur twice", () => {
    const twice = [tensors[0]!, tensors[0]!];
    expect(() => writeSafetensors(path, twice)).toThrow(/"bytes" twice/u);
  });
});

describe("readSafetensorsHeader", () => {
  it.each([
    ["at least 8 bytes", () => writeRaw("1234567")],
    ["at most 100000000 bytes", () => file({}, { announced: 2n ** 42n })],
    ["at most 100000000 bytes", () => file({}, { announced: 2n ** 64n - 1n })],
    ['starts with "{"', () => file("[]")],
    ["UTF-8 JSON", () => file('{"a":')],
    ["leaves a hole", () => file({ a: entry(4, 8) }, { dataBytes: 8 })],
    ["overlaps", () => file({ a: entry(0, 8), b: entry(4, 8) }, { dataBytes: 8 })],
    ["cut off", () => file({ a: entry(0, 8) }, { dataBytes: 4 })],
    ["bytes after its last tensor", () => file({ a: entry(0, 8) }, { dataBytes: 9 })],
    ["where F32 [3] needs 12", () => file({ a: entry(0, 8, [3]) }, { dataBytes: 8 })],
    [
      "where F32 [1000000000000] needs 4000000000000",
      () => file({ a: entry(0, 8, [1e12]) }, { dataBytes: 8 }),
    ],
    ["not a short list of sizes", () => file({ a: entry(0, 8, [-2]) }, { dataBytes: 8 })],
    ["not two offsets", () => file({ a: { dtype: "F32", shape: [], data_offsets: [0] } })],
    ['unsupported dtype "F4"', () => file({ a: { dtype: "F4", shape: [0], data_offsets: [0, 0] } })],
    ['unknown key "extra"', () => file({ a: { dtype: "F32", shape: [0], data_offsets: [0, 0], extra: 1 } })],
    ["__metadata__ is not an object of strings", () => file({ __metadata__: { a: 1 } })],
  ])("refuses what is wrong: %s", (what, make) => {
    const damaged = make();
    expect(() => readSafetensorsHeader(damaged)).toThrow(
      expect.objectContaining({ code: "checkpoint/bad-safetensors" }),
    );
    expect(() => readSafetensorsHeader(damaged)).toThrow(what);
  });

  it("refuses a header whose length is beyond the end", () => {
    expect(() => readSafetensorsHeader(file({}, { announced: 1000n }))).toThrow("a header inside the file");
  });

  it("takes a tensor named __proto__ for what it is", () => {
    writeSafetensors(path, [{ name: "__proto__", dataType: "U8", shape: [1], data: new Uint8Array([7]) }]);
    expect([...readSafetensorsHeader(path).tensors.keys()]).toEqual(["__proto__"]);
  });
});

function writeRaw(content: string): string {
  const damaged = join(directory, "damaged.safetensors");
  writeFileSync(damaged, content);
  return damaged;
}
