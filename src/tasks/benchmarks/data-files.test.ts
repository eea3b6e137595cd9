import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { array, assert, constantFrom, property, string, tuple } from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { csvRows } from "./csv-rows.ts";
import { pickledText } from "./pickled-text.ts";
import { readRows } from "./read-rows.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-rows-"));
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

async function rowsOf(path: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { row } of readRows(path)) rows.push(row);
  return rows;
}

describe("readRows", () => {
  const rows = [{ a: 1 }, { a: "ü\n" }];
  const lines = `${rows.map((row) => JSON.stringify(row)).join("\n")}\n\n`;

  test("the same rows from JSON Lines, JSON and gzip", async () => {
    expect(await rowsOf(write("a.jsonl", lines))).toEqual(rows);
    expect(await rowsOf(write("a.json", JSON.stringify(rows)))).toEqual(rows);
    expect(await rowsOf(write("a.jsonl.gz", gzipSync(lines)))).toEqual(rows);
    expect(await rowsOf(write("b.csv", 'a,b\n"x, ""y""",2\n'))).toEqual([{ a: 'x, "y"', b: "2" }]);
  });

  test.each([
    ["no JSON", "c.jsonl", "{"],
    ["no array", "c.json", "{}"],
    ["no gzip", "c.jsonl.gz", "{}"],
    ["no Parquet", "c.parquet", "PAR1 nothing PAR1"],
    ["a cut Parquet", "d.parquet", "PAR1"],
    ["another kind of file", "c.txt", "x"],
    ["an open quote", "c.csv", 'a,b\n"x,2\n'],
    ["a short row", "d.csv", "a,b\n1\n2,3\n"],
  ])("%s is refused", async (_, name, content) => {
    await expect(rowsOf(write(name, content))).rejects.toThrow(
      expect.objectContaining({ code: "tasks/malformed" }),
    );
  });

  test("a missing file is refused", async () => {
    await expect(rowsOf(join(directory, "none.jsonl"))).rejects.toThrow(
      expect.objectContaining({ code: "files/not-found" }),
    );
  });
});

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

test("CSV: what is quoted comes back, whatever it holds", () => {
  const cell = string({ unit: constantFrom("a", ",", '"', "\n", "\r", " ", "é") });
  assert(
    property(array(tuple(cell, cell), { minLength: 1, maxLength: 5 }), (rows) => {
      const text = [["x", "y"], ...rows].map((row) => row.map(quoted).join(",")).join("\r\n");
      expect(csvRows(text, "test")).toEqual(rows.map(([x, y]) => ({ x, y })));
    }),
  );
});

function pack(...parts: readonly (number | string)[]): string {
  const bytes = parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.of(part)));
  return deflateSync(Buffer.concat(bytes)).toString("base64");
}

describe("pickledText", () => {
  test("worked example: base64(zlib(pickle.dumps('[1]'))), as Python 3.11 writes it", () => {
    // python3 -c "import pickle, zlib, base64; print(base64.b64encode(zlib.compress(pickle.dumps('[1]'))).decode())"
    expect(pickledText("eJxrYJnKzgABPczRhrFT9AAb7QNb")).toBe("[1]");
  });

  test("only texts are read: no calls, no lengths beyond the end", () => {
    expect(pickledText(pack(0x80, 2, 0x58, 3, 0, 0, 0, "abc", 0x71, 0, "."))).toBe("abc");
    for (const bad of [
      pack(0x80, 4, "cos\nsystem\n(S'true'\ntR."),
      pack(0x80, 4, 0x8d, 255, 255, 255, 255, 255, 255, 255, 0, "a."),
      pack(0x80, 4, 0x8c, 9, "ab."),
      "!!",
    ])
      expect(() => pickledText(bad)).toThrow(expect.objectContaining({ code: "tasks/malformed" }));
  });
});
