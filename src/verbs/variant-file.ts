/** @file `variant.json` beside restored weights or an adapter: how they were made, so that later verbs need not be told. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readTextFile } from "../checkpoint/json-file.ts";
import { type Variant, variantSchema } from "../runs/records.ts";
import { writeFileAtomically } from "../util/atomic-file.ts";
import { BitmendError } from "../util/errors.ts";

const fileName = "variant.json";

/** Says in a directory what its weights are. */
export function writeVariant(directory: string, variant: Variant): void {
  writeFileAtomically(join(directory, fileName), `${JSON.stringify(variant, null, 1)}\n`);
}

/**
 * What the weights of a directory are, null where nobody wrote it down.
 *
 * @throws {BitmendError} `verbs/bad-variant-file` when the file is not one of ours.
 */
export function readVariant(directory: string): Variant | null {
  const path = join(directory, fileName);
  if (!existsSync(path)) return null;
  try {
    return variantSchema.parse(JSON.parse(readTextFile(path)));
  } catch (cause) {
    throw new BitmendError(
      "verbs/bad-variant-file",
      `readVariant(): expected ${path} to say what a model is.`,
      {
        hint: "It was edited or written by another version; remove it and name the origin with --made-by and --restored-by.",
        cause,
      },
    );
  }
}
