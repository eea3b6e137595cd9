/** @file Damages a file again and again and watches what becomes of a program that uses it. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BitmendError } from "../../src/util/errors.ts";
import { randomStream, type RandomStream } from "../../src/util/random.ts";
import { corruptBytes, corruptJson } from "./corrupt.ts";

/** Gives a damaged copy. */
export type Corrupt = (content: Uint8Array, random: RandomStream) => Uint8Array;

/** Damages bytes, or values of the JSON. */
export const corruptText: Corrupt = (content, random) =>
  random.next() < 0.5
    ? corruptBytes(content, random)
    : new TextEncoder().encode(corruptJson(new TextDecoder().decode(content), random));

interface Use {
  /** All its files count for the memory that may be taken. */
  readonly directory: string;
  /** Uses everything in it. */
  readonly use: () => void;
  /** Bytes that may be allocated for each byte of the files. Default: 10, since reading widens 16 bits to 32 and 3 to 8. */
  readonly mostTimes?: number;
}

/** "fine", "refused" with a BitmendError, or what went wrong: another error, too much memory, too much time. */
export function outcomeOf({ directory, use, mostTimes = 10 }: Use): string {
  const fileBytes = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  const before = process.memoryUsage().arrayBuffers;
  const started = performance.now();
  let result = "fine";
  try {
    use();
  } catch (error) {
    result = error instanceof BitmendError ? "refused" : `not a BitmendError: ${String(error)}`;
  }
  // What the run took before may be collected meanwhile, which only lowers this.
  const allocated = process.memoryUsage().arrayBuffers - before;
  if (allocated > mostTimes * fileBytes)
    return `${result}, but ${allocated} bytes allocated for ${fileBytes}`;
  const milliseconds = performance.now() - started;
  return milliseconds > 2000 ? `${result}, but after ${milliseconds} ms` : result;
}

/** Uses `count` damaged copies of a file of the directory, then restores it: how many were refused, and all that was unexpected. */
export function damageFile(
  file: string,
  { corrupt, count, ...use }: Use & { readonly corrupt: Corrupt; readonly count: number },
): { refused: number; unexpected: string[] } {
  const path = join(use.directory, file);
  const original = new Uint8Array(readFileSync(path));
  const unexpected: string[] = [];
  let refused = 0;
  for (let number = 0; number < count; number++) {
    writeFileSync(path, corrupt(original, randomStream("damage", file, number)));
    const result = outcomeOf(use);
    if (result === "refused") refused += 1;
    else if (result !== "fine") unexpected.push(`${number}: ${result}`);
  }
  writeFileSync(path, original);
  return { refused, unexpected };
}
