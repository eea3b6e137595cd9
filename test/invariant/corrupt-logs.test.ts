/** @file Damaged logs of other tools give an error of ours, whatever byte is damaged. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { readHarnessLog } from "../../src/evaluation/logs/harness-log.ts";
import { readInspectLog } from "../../src/evaluation/logs/inspect-log.ts";
import { openZipArchive } from "../../src/evaluation/logs/zip-archive.ts";
import { BitmendError } from "../../src/util/errors.ts";
import { randomStream } from "../../src/util/random.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-logs-"));
afterAll(() => rmSync(directory, { recursive: true }));

const logs = new URL("../golden/logs/", import.meta.url);
const readers = {
  "low.eval": (path: string): unknown => readInspectLog(path),
  "full.json": (path: string): unknown => readInspectLog(path),
  "full/samples_sums_2026-11-22T00-00-00.000000.jsonl": (path: string): unknown =>
    readHarnessLog([path], { name: "x" }),
};

describe.each(Object.entries(readers))("%s", (name, read) => {
  const whole = readFileSync(new URL(name, logs));
  const path = join(directory, `damaged${name.slice(name.lastIndexOf("."))}`);
  const attempt = (bytes: Uint8Array): "read" | "refused" => {
    writeFileSync(path, bytes);
    try {
      read(path);
      return "read";
    } catch (error) {
      if (error instanceof BitmendError) return "refused";
      throw error;
    }
  };

  test("cut anywhere, it is refused or read as what is left, never worse", () => {
    const outcomes = Array.from({ length: 60 }, (_, index) =>
      attempt(whole.subarray(0, Math.floor((whole.length * index) / 60))),
    );
    expect(outcomes.filter((outcome) => outcome === "refused").length).toBeGreaterThan(50);
  });

  test("bytes changed anywhere never crash", () => {
    const stream = randomStream(1, "damage", name);
    for (let round = 0; round < 300; round++) {
      const bytes = Uint8Array.from(whole);
      const span = 1 + stream.integer(4);
      const start = stream.integer(bytes.length - span);
      for (let at = start; at < start + span; at++) bytes[at] = stream.integer(256);
      expect(["read", "refused"]).toContain(attempt(bytes));
    }
  });
});

/** An archive of one member `a` by the format's own description; `claims` replaces what its headers say. */
function archive(content: Buffer, claims: { size?: number; offset?: number; count?: number } = {}): Buffer {
  const packed = deflateRawSync(content);
  const local = Buffer.alloc(31);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(1, 26);
  local.write("a", 30);
  const central = Buffer.alloc(47);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(8, 10);
  central.writeUInt32LE(packed.length, 20);
  central.writeUInt32LE(claims.size ?? content.length, 24);
  central.writeUInt16LE(1, 28);
  central.writeUInt32LE(claims.offset ?? 0, 42);
  central.write("a", 46);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(claims.count ?? 1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length + packed.length, 16);
  return Buffer.concat([local, packed, central, end]);
}

test.each([
  { what: "a bomb that says it is small", claims: { size: 10 } },
  { what: "more than a string can hold", claims: { size: 0xfffffffe } },
  { what: "a place outside of the file", claims: { offset: 0x7fffffff } },
  { what: "64-bit sizes that are not there", claims: { size: 0xffffffff } },
  { what: "more members than there are", claims: { count: 9 } },
  { what: "a 64-bit end that is not there", claims: { count: 0xffff } },
  { what: "another content than its checksum's", claims: {} },
])("an archive with $what is refused", ({ claims }) => {
  const path = join(directory, "made.zip");
  writeFileSync(path, archive(Buffer.alloc(50_000_000), claims));
  const start = performance.now();
  expect(() => {
    using zip = openZipArchive(path);
    zip.read("a");
  }).toThrow(expect.objectContaining({ code: "evaluation/bad-archive" }));
  expect(performance.now() - start).toBeLessThan(5000);
});
