import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { BitmendError } from "../../../util/errors.ts";

/**
 * The GGUF file that `path` stands for: the file itself, or the one in a directory without config.json; null when there is none.
 *
 * @throws {BitmendError} `checkpoint/several-gguf` when a directory has more than one.
 */
export function ggufFileAt(path: string): string | null {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return null;
  if (!status.isDirectory()) return path.endsWith(".gguf") ? path : null;
  if (existsSync(join(path, "config.json"))) return null;
  const files = readdirSync(path).filter((name) => name.endsWith(".gguf"));
  if (files.length > 1) {
    throw new BitmendError(
      "checkpoint/several-gguf",
      `openModel(): expected one .gguf file in ${path}, got ${files.toSorted().slice(0, 10).join(", ")}.`,
      { hint: "Name the file." },
    );
  }
  return files[0] === undefined ? null : join(path, files[0]);
}
