import { readFileSync, statSync } from "node:fs";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";

/** Larger than any tokenizer.json or index known; a bigger file is not what it claims to be. */
const MAX_JSON_BYTES = 200_000_000;

/**
 * Reads a text file of a model directory that is UTF-8 and not absurdly large.
 *
 * @throws {BitmendError} `checkpoint/bad-json` when it is too large or not UTF-8, `files/...` when it cannot be read.
 */
export function readTextFile(path: string): string {
  try {
    const status = statSync(path);
    if (!status.isFile()) throw malformed(path, "a regular file");
    if (status.size > MAX_JSON_BYTES)
      throw malformed(path, `at most ${MAX_JSON_BYTES} bytes, got ${status.size}`);
    return new TextDecoder("utf8", { fatal: true }).decode(readFileSync(path));
  } catch (cause) {
    if (cause instanceof TypeError) throw malformed(path, "UTF-8 text", cause);
    throw fileSystemError(cause, "readTextFile()", path);
  }
}

/** Reads a JSON object from a file, with the errors of {@link readTextFile}. */
export function readJsonObject(path: string): Record<string, unknown> {
  const text = readTextFile(path);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw malformed(path, "JSON", cause);
  }
  if (!isJsonObject(parsed)) throw malformed(path, "a JSON object");
  return parsed;
}

/** True for what JSON calls an object. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(path: string, expected: string, cause?: unknown): BitmendError {
  return new BitmendError("checkpoint/bad-json", `readJsonObject(): ${path}: expected ${expected}.`, {
    hint: "The file is damaged; download or write it again.",
    cause,
  });
}
