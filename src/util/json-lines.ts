/**
 * @file Append-only records, one JSON object a line: the interface between the stages of a run.
 *
 * A line counts once its newline is on disk, so a killed writer loses at most the line in flight.
 */
import { appendFileSync, existsSync, readFileSync, truncateSync } from "node:fs";
import type { z } from "zod";
import { BitmendError } from "./errors.ts";

/** Appends records and hands them to the operating system before it returns. */
export function appendJsonLines(path: string, records: readonly unknown[]): void {
  if (records.length === 0) return;
  appendFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
}

/**
 * Reads the records of `path`, none if it is absent, and cuts off a last line that a killed writer left unfinished.
 *
 * @throws {BitmendError} `records/malformed` names file and line when a finished line is not a record of `schema`.
 */
export function readJsonLines<Record>(path: string, schema: z.ZodType<Record>): Record[] {
  if (!existsSync(path)) return [];
  const content = readFileSync(path);
  const finished = content.lastIndexOf(10) + 1;
  if (finished < content.length) truncateSync(path, finished);
  const lines = content.subarray(0, finished).toString("utf8").split("\n").slice(0, -1);
  return lines.map((line, index) => parseRecord({ line, schema, where: `${path}:${index + 1}` }));
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
