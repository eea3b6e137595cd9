/**
 * @file Append-only records, one JSON object a line: the interface between the stages of a run.
 *
 * A line counts once its newline is on disk, so a killed writer loses at most the line in flight.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
} from "node:fs";
import type { z } from "zod";
import { BitmendError } from "./errors.ts";
import { fileSystemError } from "./file-system-error.ts";

/**
 * Appends records and hands them to the operating system before it returns; a last line that a killed writer left unfinished goes first.
 *
 * @throws {BitmendError} `files/disk-full`, `files/read-only`, `files/no-permission`...; the file then ends as it did before.
 */
export function appendJsonLines(path: string, records: readonly unknown[]): void {
  if (records.length === 0) return;
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join("");
  try {
    const descriptor = openSync(path, "a+");
    try {
      appendWhole(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw fileSystemError(error, "appendJsonLines()", path);
  }
}

function appendWhole(descriptor: number, text: string): void {
  const { size } = fstatSync(descriptor);
  const end = size === 0 || lastByte(descriptor, size) === newline ? size : finishedLength(descriptor);
  if (end < size) ftruncateSync(descriptor, end);
  try {
    writeFileSync(descriptor, text);
  } catch (error) {
    // A full disk takes a part of a line, perhaps.
    ftruncateSync(descriptor, end);
    throw error;
  }
}

const newline = 10;

function lastByte(descriptor: number, size: number): number {
  const byte = new Uint8Array(1);
  readSync(descriptor, byte, 0, 1, size - 1);
  return byte[0]!;
}

/** Bytes up to the last newline. */
function finishedLength(descriptor: number): number {
  return readFileSync(descriptor).lastIndexOf(newline) + 1;
}

/**
 * Reads the records of `path`, none if it is absent, and leaves out a last line that a killed writer left unfinished.
 *
 * @throws {BitmendError} `records/malformed` names file and line when a finished line is not a record of `schema`; `files/...`.
 */
export function readJsonLines<Record>(path: string, schema: z.ZodType<Record>): Record[] {
  const content = readIfPresent(path);
  const finished = content.lastIndexOf(newline) + 1;
  const lines = content.subarray(0, finished).toString("utf8").split("\n").slice(0, -1);
  return lines.map((line, index) => parseRecord({ line, schema, where: `${path}:${index + 1}` }));
}

function readIfPresent(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return Buffer.alloc(0);
    throw fileSystemError(error, "readJsonLines()", path);
  }
}

function parseRecord<Record>(input: { line: string; schema: z.ZodType<Record>; where: string }): Record {
  try {
    return input.schema.parse(JSON.parse(input.line));
  } catch (cause) {
    throw new BitmendError(
      "records/malformed",
      `readJsonLines(): ${input.where} is not a record of the expected kind.`,
      {
        hint: "Remove that line, or delete the run directory to start over.",
        cause,
      },
    );
  }
}
