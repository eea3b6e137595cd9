import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ActivationStore } from "./activation-store.ts";

const folder = mkdtempSync(join(tmpdir(), "bitmend-store-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([
  ["in memory", 1000],
  ["on disk", 0],
])("ActivationStore %s", (_, memoryBytes) => {
  test("gives back what was written last, whatever was written elsewhere", () => {
    using store = new ActivationStore({ sizes: [3, 1, 2], memoryBytes, spillFile: join(folder, "spill") });
    store.write(2, Float32Array.of(7, 8));
    store.write(0, Float32Array.of(1, Math.fround(0.1), -3));
    store.write(1, Float32Array.of(4));
    store.write(2, Float32Array.of(5, 6));
    expect([0, 1, 2].map((part) => [...store.read(part)])).toEqual([[1, Math.fround(0.1), -3], [4], [5, 6]]);
    expect(store.memoryBytes).toBe(memoryBytes === 0 ? 0 : 24);
    expect(readdirSync(folder)).toEqual([]);
  });
});

test("a folder that is not there is named", () => {
  const spillFile = join(folder, "missing", "spill");
  expect(() => new ActivationStore({ sizes: [1], memoryBytes: 0, spillFile })).toThrow(
    expect.objectContaining({ code: "files/not-found" }),
  );
});
