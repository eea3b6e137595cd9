import { readFileSync, statSync } from "node:fs";
import type { z } from "zod";
import { BitmendError } from "../../util/errors.ts";
import { fileSystemError } from "../../util/file-system-error.ts";

/** Longest JSON text that is read, in bytes: what a JavaScript string can hold. */
const mostBytes = 512 * 1024 * 1024 - 64;

/** What the reader of another tool's log hands on. */
export interface LogRead<Run> {
  readonly run: Run;
  /** What a person should know of how it was read. */
  readonly remarks: readonly string[];
}

/** Reads a whole file of at most 512 MiB. @throws {BitmendError} `evaluation/log-too-large`, `files/...`. */
export function readLogFile(path: string): Buffer {
  try {
    const { size } = statSync(path);
    if (size <= mostBytes) return readFileSync(path);
    throw new BitmendError(
      "evaluation/log-too-large",
      `readLogFile(): expected at most ${mostBytes} bytes, got ${size} in ${path}.`,
      { hint: "Split it, or have Inspect write .eval files, which are read sample by sample." },
    );
  } catch (error) {
    throw error instanceof BitmendError ? error : fileSystemError(error, "readLogFile()", path);
  }
}

/**
 * Parses JSON as Python writes it: NaN and Infinity outside of strings are taken for null.
 *
 * @throws {BitmendError} `evaluation/bad-log` naming the place when it is no JSON, or not of `schema`.
 */
export function parseLogJson<Content>(text: string, schema: z.ZodType<Content>, where: string): Content {
  let value: unknown;
  try {
    value = parseLenient(text);
  } catch (cause) {
    throw badLog(where, "JSON", { got: "something else", cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join(".") || "value"}: ${message}`);
  throw badLog(where, "a log of a known form", { got: issues.join("; "), cause: parsed.error });
}

/** The error of every log that is not what it should be. */
export function badLog(
  where: string,
  expected: string,
  { got, cause }: { readonly got: string; readonly cause?: unknown },
): BitmendError {
  return new BitmendError("evaluation/bad-log", `readLog(): expected ${expected} in ${where}, got ${got}.`, {
    hint: "Name samples_*.jsonl of lm-evaluation-harness, a .json or .eval log of Inspect, or a directory of bitmend.",
    ...(cause === undefined ? {} : { cause }),
  });
}

function parseLenient(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!text.includes("NaN") && !text.includes("Infinity")) throw error;
    return JSON.parse(withoutNotNumbers(text));
  }
}

/** Replaces NaN, Infinity and -Infinity outside of strings. */
function withoutNotNumbers(text: string): string {
  const parts: string[] = [];
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    const end = quote < 0 ? text.length : quote;
    parts.push(text.slice(at, end).replaceAll(/-?Infinity|NaN/gu, "null"));
    at = quote < 0 ? text.length : stringEnd(text, quote);
    parts.push(text.slice(end, at));
  }
  return parts.join("");
}

/** Index after the closing quote of the string that starts at `quote`. */
function stringEnd(text: string, quote: number): number {
  let end = text.indexOf('"', quote + 1);
  while (end >= 0) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}
