import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { writeFileAtomically } from "./atomic-file.ts";
import { appendJsonLines, readJsonLines } from "./json-lines.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bitmend-lines-"));
  path = join(directory, "records.jsonl");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const schema = z.strictObject({ value: z.int() });

test("records come back in order; an absent file has none", () => {
  expect(readJsonLines(path, schema)).toEqual([]);
  appendJsonLines(path, [{ value: 1 }, { value: 2 }]);
  appendJsonLines(path, []);
  appendJsonLines(path, [{ value: 3 }]);
  expect(readJsonLines(path, schema)).toEqual([{ value: 1 }, { value: 2 }, { value: 3 }]);
});

test.each(["", '{"value":1}\n'])(
  "a line that a killed writer left unfinished is not read and goes first: %j",
  (before) => {
    writeFileSync(path, `${before}{"value":22`);
    expect(readJsonLines(path, schema)).toHaveLength(before === "" ? 0 : 1);
    appendJsonLines(path, [{ value: 3 }]);
    expect(readFileSync(path, "utf8")).toBe(`${before}{"value":3}\n`);
  },
);

test.each(["not json", '{"value":1.5}', '{"other":1}'])(
  "a finished line that is no record is named: %j",
  (line) => {
    writeFileSync(path, `{"value":1}\n${line}\n`);
    expect(() => readJsonLines(path, schema)).toThrow(
      expect.objectContaining({
        code: "records/malformed",
        message: expect.stringContaining("records.jsonl:2"),
      }),
    );
  },
);

test.each([
  ["a directory in place of the file", "", "files/not-a-file"],
  ["a file in place of the directory", "/records.jsonl", "files/not-found"],
] as const)("%s is named", (_case, below, code) => {
  const place = below === "" ? directory : path;
  if (below !== "") writeFileSync(path, "");
  const typed: unknown = expect.objectContaining({ code, message: expect.stringContaining(directory) });
  expect(() => appendJsonLines(`${place}${below}`, [1])).toThrow(typed);
  expect(() => readJsonLines(`${place}${below}`, schema)).toThrow(typed);
  expect(() => writeFileAtomically(`${place}${below}`, "")).toThrow(typed);
});
