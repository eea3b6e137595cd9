import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { BitmendError } from "../../../util/errors.ts";
import { readGgufHeader } from "./header.ts";
import { fieldBytes, stringBytes, u32, u64, type GgufField } from "./metadata.ts";
import { openGguf } from "./open-gguf.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-gguf-header-"));
afterAll(() => rmSync(work, { recursive: true }));
const path = join(work, "model.gguf");

interface File {
  readonly version?: number;
  readonly fields?: readonly GgufField[];
  /** Name, dimensions as in the file, type, offset. */
  readonly tensors?: readonly (readonly [string, readonly number[], number, number])[];
  readonly dataBytes?: number;
}

function write({ version = 3, fields = [], tensors = [], dataBytes = 0 }: File): void {
  const entries = tensors.map(([name, dimensions, type, offset]) =>
    Buffer.concat([
      stringBytes(name),
      u32(dimensions.length),
      ...dimensions.map(u64),
      u32(type),
      u64(offset),
    ]),
  );
  const counts = [Buffer.from("GGUF"), u32(version), u64(tensors.length), u64(fields.length)];
  const head = Buffer.concat([...counts, ...fields.map(fieldBytes), ...entries]);
  const padding = Buffer.alloc((32 - (head.length % 32)) % 32);
  writeFileSync(path, Buffer.concat([head, padding, Buffer.alloc(dataBytes)]));
}

function architecture(value: string): GgufField {
  return { key: "general.architecture", type: "string", value };
}

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof BitmendError) return `[${error.code}] ${error.message.replace(path, "FILE")}`;
    throw error;
  }
  return "not refused";
}

it("worked example: metadata, shapes in reverse, tensors at multiples of 32 bytes", () => {
  write({
    fields: [
      { key: "general.name", type: "string", value: "x" },
      { key: "list", type: "f32s", value: [0.5, 2] },
    ],
    tensors: [
      ["a", [32, 3], 2, 0],
      ["b", [5], 0, 64],
    ],
    dataBytes: 96,
  });
  const { metadata, tensors } = readGgufHeader(path);
  expect([...metadata]).toEqual([
    ["general.name", "x"],
    ["list", [0.5, 2]],
  ]);
  const [a, b] = [tensors.get("a")!, tensors.get("b")!];
  expect([a.type.name, a.shape, a.byteLength]).toEqual(["Q4_0", [3, 32], 54]);
  expect([b.type.name, b.shape, b.byteLength, b.offset - a.offset]).toEqual(["F32", [5], 20, 64]);
});

describe("refused with what was expected", () => {
  it.each([
    ["version 1 and big-endian files", { version: 0x03_00_00_00 }, "version 2 or 3, little-endian"],
    ["a type that is not read", { tensors: [["a", [256], 16, 0]], dataBytes: 66 }, "a (type 16)"],
    ["rows of broken blocks", { tensors: [["a", [33, 1], 2, 0]], dataBytes: 64 }, "whole Q4_0 blocks"],
    ["a tensor beyond the end", { tensors: [["a", [64], 0, 0]], dataBytes: 32 }, "inside the file"],
    ["sizes whose product overflows", { tensors: [["a", [2 ** 40, 2 ** 40], 0, 0]] }, "inside the file"],
    [
      "offsets that overlap",
      {
        tensors: [
          ["a", [8], 0, 0],
          ["b", [8], 0, 0],
        ],
        dataBytes: 64,
      },
      "at offset 32, got 0",
    ],
    [
      "a name twice",
      {
        tensors: [
          ["a", [8], 0, 0],
          ["a", [8], 0, 32],
        ],
        dataBytes: 64,
      },
      "twice",
    ],
    ["five dimensions", { tensors: [["a", [1, 1, 1, 1, 1], 0, 0]], dataBytes: 32 }, "1 to 4 dimensions"],
    [
      "a hostile alignment",
      { fields: [{ key: "general.alignment", type: "u32", value: 0 }] },
      "a multiple of 8",
    ],
  ] as const)("%s", (_, content, expected) => {
    write(content);
    const message = refusal(() => readGgufHeader(path));
    expect(message).toMatch(/^\[checkpoint\/(?:bad|unsupported)-gguf\] openGguf\(\): FILE: expected /u);
    expect(message).toContain(expected);
  });

  it("counts, lengths and texts that the file cannot hold", () => {
    const count = Buffer.concat([Buffer.from("GGUF"), u32(3), u64(2 ** 50), u64(0)]);
    writeFileSync(path, count);
    expect(refusal(() => readGgufHeader(path))).toContain("1125899906842624 tensors in a file of 24 bytes");
    const key = Buffer.concat([Buffer.from("GGUF"), u32(3), u64(0), u64(1), u64(2 ** 31), Buffer.alloc(20)]);
    writeFileSync(path, key);
    expect(refusal(() => readGgufHeader(path))).toContain("a text of at most 65535 bytes");
    const broken = Buffer.concat([
      Buffer.from("GGUF"),
      u32(3),
      u64(0),
      u64(1),
      u64(1),
      Buffer.of(0xff),
      Buffer.alloc(20),
    ]);
    writeFileSync(path, broken);
    expect(refusal(() => readGgufHeader(path))).toContain("UTF-8");
  });

  it("models in parts and of other architectures, by name", () => {
    write({ fields: [architecture("gemma4")] });
    expect(refusal(() => openGguf(path))).toMatchInlineSnapshot(
      `"[checkpoint/unsupported-gguf] openGguf(): FILE: expected a model that is supported, but general.architecture is "gemma4". bitmend reads dense llama, qwen2 and qwen3 models."`,
    );
    write({ fields: [architecture("llama"), { key: "split.count", type: "u32", value: 3 }] });
    expect(refusal(() => openGguf(path))).toContain(
      "split.count is 3: join the parts with llama-gguf-split --merge first",
    );
  });
});
