import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { z } from "zod";
import { fileSystemError } from "../util/file-system-error.ts";
import { appendJsonLines } from "../util/json-lines.ts";
import type { RemoteAnswer } from "./remote-answer.ts";

const lineSchema = z.strictObject({
  key: z.string(),
  text: z.string(),
  finish: z.enum(["stop", "length"]),
  promptTokens: z.int().nullable(),
  completionTokens: z.int().nullable(),
});

/**
 * Answers by the content of what was asked, in one file of JSON lines that only grows.
 *
 * An answer is on disk before anyone uses it. A damaged line counts as absent: it is asked again, and the later line wins.
 */
export class AnswerCache {
  readonly #path: string;
  readonly #answers: Map<string, RemoteAnswer>;
  /** Lines that were no answers. */
  readonly damagedLines: number;

  private constructor(path: string, answers: Map<string, RemoteAnswer>, damagedLines: number) {
    this.#path = path;
    this.#answers = answers;
    this.damagedLines = damagedLines;
  }

  /** @throws {BitmendError} `files/...` when the file is there and cannot be read. */
  static async open(path: string): Promise<AnswerCache> {
    const answers = new Map<string, RemoteAnswer>();
    let damagedLines = 0;
    if (!existsSync(path)) return new AnswerCache(path, answers, damagedLines);
    try {
      for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
        const entry = parseLine(line);
        if (entry === null) damagedLines++;
        else answers.set(entry.key, entry.answer);
      }
    } catch (error) {
      throw fileSystemError(error, "AnswerCache.open()", path);
    }
    return new AnswerCache(path, answers, damagedLines);
  }

  get(key: string): RemoteAnswer | undefined {
    return this.#answers.get(key);
  }

  /** @throws {BitmendError} `files/...` when the file cannot be written. */
  add(key: string, answer: RemoteAnswer): void {
    appendJsonLines(this.#path, [{ key, ...answer }]);
    this.#answers.set(key, answer);
  }
}

function parseLine(line: string): { readonly key: string; readonly answer: RemoteAnswer } | null {
  try {
    const { key, ...answer } = lineSchema.parse(JSON.parse(line));
    return { key, answer };
  } catch {
    return null;
  }
}

/** SHA-256 of what an answer depends on, whatever the order of its keys. */
export function contentKey(content: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(content)))
    .digest("hex");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries: [string, unknown][] = Object.entries(value);
  return Object.fromEntries(
    entries.toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([key, each]) => [key, sorted(each)]),
  );
}
