import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openRunDirectory } from "./run-directory.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bitmend-runs-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const open = (identity: unknown, fresh = false) =>
  openRunDirectory({ root, name: "pocket", identity, fresh });

test("an unfinished run of the same identity is continued, a finished one is not", () => {
  const first = open({ seed: 1 });
  first[Symbol.dispose]();
  const second = open({ seed: 1 });
  second[Symbol.dispose]();
  expect([first.resumed, second.resumed, second.path === first.path]).toEqual([false, true, true]);
  writeFileSync(join(first.path, "summary.json"), "{}");
  using third = open({ seed: 1 });
  expect([third.resumed, third.path === first.path]).toEqual([false, false]);
});

test("another identity gets another directory", () => {
  using first = open({ seed: 1 });
  using second = open({ seed: 2 });
  expect(first.path).not.toBe(second.path);
});

test("a lock of a live process is respected and one of a dead process is not", () => {
  const run = open({ seed: 1 });
  writeFileSync(join(run.path, "lock"), "1");
  expect(() => open({ seed: 1 })).toThrow(expect.objectContaining({ code: "runs/locked" }));
  writeFileSync(join(run.path, "lock"), "999999999");
  using again = open({ seed: 1 });
  expect(again.path).toBe(run.path);
});

test("a place that cannot be written is named before any work", () => {
  const file = join(root, "file");
  writeFileSync(file, "");
  expect(() => openRunDirectory({ root: file, name: "pocket", identity: 1 })).toThrow(
    expect.objectContaining({ code: "runs/not-writable" }),
  );
});
