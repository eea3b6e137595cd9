/** @file Rows of a data set as files hold them: JSON Lines, a JSON array, either gzipped, CSV, or Parquet. */
import { createReadStream, readFileSync, statSync } from "node:fs";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  asyncBufferFromFile,
  type Compressors,
  parquetMetadataAsync,
  parquetReadObjects,
  snappyUncompress,
} from "hyparquet";
import { BitmendError } from "../../util/errors.ts";
import { fileSystemError } from "../../util/file-system-error.ts";
import { csvRows } from "./csv-rows.ts";

/** One row, and where its line lies in a file of JSON Lines that is not compressed. */
export interface DataRow {
  readonly row: unknown;
  readonly line: LineAt | null;
}

/** A line of a file, for rows too large to keep. */
export interface LineAt {
  readonly path: string;
  readonly start: number;
  readonly bytes: number;
}

/** Files that are read whole; JSON Lines are read line by line. */
const maxWholeBytes = 512 * 2 ** 20;
/** One row: tests of LiveCodeBench come to 100 MB. */
const maxLineBytes = 256 * 2 ** 20;
const maxRows = 2_000_000;
/** No page of text is packed tighter. */
const maxSnappyRatio = 256;

/**
 * Reads the rows of a data file by its name's ending.
 *
 * @yields Rows in file order.
 * @throws {BitmendError} `tasks/malformed`, `tasks/too-large`, `files/...`.
 */
export async function* readRows(path: string): AsyncGenerator<DataRow, void, void> {
  try {
    if (path.endsWith(".jsonl")) yield* streamedLines(path);
    else for (const row of await wholeRows(path)) yield { row, line: null };
  } catch (error) {
    throw fileSystemError(error, "readRows()", path);
  }
}

async function wholeRows(path: string): Promise<readonly unknown[]> {
  const { size } = statSync(path);
  if (size > maxWholeBytes) throw tooLarge(path, `${size} bytes`);
  if (path.endsWith(".parquet")) return parquetRows(path);
  const gzipped = path.endsWith(".gz");
  const bytes = gzipped ? unpacked(path) : readFileSync(path);
  const text = bytes.toString("utf8").replace(/^\uFEFF/u, "");
  const name = gzipped ? path.slice(0, -3) : path;
  if (name.endsWith(".csv")) return csvRows(text, path);
  if (name.endsWith(".jsonl")) {
    return text
      .split("\n")
      .flatMap((line, index) => (line.trim() === "" ? [] : [parsed(line, `line ${index + 1} of ${path}`)]));
  }
  if (!name.endsWith(".json")) throw malformed(path, "a name ending in .jsonl, .json, .csv or .parquet");
  const value = parsed(text, path);
  if (!Array.isArray(value)) throw malformed(path, "an array of rows");
  return value;
}

function unpacked(path: string): Buffer {
  try {
    return gunzipSync(readFileSync(path), { maxOutputLength: maxWholeBytes });
  } catch (cause) {
    throw malformed(path, "gzip that unpacks to 512 MiB at most", cause);
  }
}

async function* streamedLines(path: string): AsyncGenerator<DataRow, void, void> {
  let pieces: Buffer[] = [];
  let [start, length, count] = [0, 0, 0];
  const finish = (end: Buffer): DataRow[] => {
    const bytes = Buffer.concat([...pieces, end]);
    const line = { path, start, bytes: bytes.length };
    start += bytes.length + 1;
    [pieces, length] = [[], 0];
    count++;
    const text = bytes.toString("utf8");
    return text.trim() === "" ? [] : [{ row: parsed(text, `line ${count} of ${path}`), line }];
  };
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stream without an encoding gives buffers
    let rest = chunk as Buffer;
    for (let newline = rest.indexOf(10); newline !== -1; newline = rest.indexOf(10)) {
      yield* finish(rest.subarray(0, newline));
      rest = rest.subarray(newline + 1);
    }
    pieces.push(rest);
    length += rest.length;
    if (length > maxLineBytes) throw tooLarge(path, `a line of more than ${maxLineBytes} bytes`);
    if (count > maxRows) throw tooLarge(path, `more than ${maxRows} lines`);
  }
  yield* finish(Buffer.alloc(0));
}

/** How pages are unpacked: never to more than they claim, and Snappy claims no more than it can hold. */
const compressors: Compressors = {
  SNAPPY: (packed, length) => {
    if (length > packed.length * maxSnappyRatio + 2 ** 16) throw new Error("a page that claims too much");
    const output = new Uint8Array(length);
    snappyUncompress(packed, output);
    return output;
  },
  GZIP: (packed, length) => gunzipSync(packed, pageLimit(length)),
  BROTLI: (packed, length) => brotliDecompressSync(packed, pageLimit(length)),
  ZSTD: (packed, length) => zstdDecompressSync(packed, pageLimit(length)),
};

function pageLimit(length: number): { readonly maxOutputLength: number } {
  return { maxOutputLength: Math.min(Math.max(length, 1), maxWholeBytes) };
}

/** 64-bit integers as numbers, as JSON has them; digits beyond 2^53 are rounded. */
function withoutBigInts(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(withoutBigInts);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutBigInts(inner)]));
}

async function parquetRows(path: string): Promise<readonly unknown[]> {
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    if (metadata.num_rows > maxRows) throw tooLarge(path, `${metadata.num_rows} rows`);
    const rows = await parquetReadObjects({ file, metadata, compressors });
    return rows.map(withoutBigInts);
  } catch (cause) {
    if (cause instanceof BitmendError) throw cause;
    throw malformed(
      path,
      `Parquet (${cause instanceof Error ? cause.message.slice(0, 200) : "unreadable"})`,
      cause,
    );
  }
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed(where, "JSON", cause);
  }
}

function malformed(where: string, expected: string, cause?: unknown): BitmendError {
  return new BitmendError("tasks/malformed", `readRows(): expected ${expected} in ${where}.`, {
    hint: "Fetch the file again, or name another with --data.",
    cause,
  });
}

function tooLarge(path: string, what: string): BitmendError {
  return new BitmendError(
    "tasks/too-large",
    `readRows(): expected rows of a data set, got ${what} in ${path}.`,
  );
}
