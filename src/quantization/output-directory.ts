import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { z } from "zod";
import { readTextFile } from "../checkpoint/json-file.ts";
import { makeDirectory, writeOrExplain } from "../checkpoint/model-directory.ts";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";
import type { LinearError } from "./quantize-layers.ts";
import { quantizationRecipeSchema, type QuantizationRecipe } from "./recipe.ts";

/** The file that marks a directory as ours, from before its first shard. */
const RECORD_FILE = "quantization.json";
/** Where a caller may keep how the model came about, before the first shard. */
const RECORDS_FOLDER = "records";

const recordSchema = z.strictObject({
  /** Hash of recipe, source and calibration text. */
  identity: z.string(),
  recipe: quantizationRecipeSchema,
  /** Every linear of the layers that are finished, in execution order. */
  modules: z.array(
    z.strictObject({
      layer: z.int(),
      module: z.string(),
      weightError: z.number(),
      outputError: z.number().nullable(),
      dampingFraction: z.number().nullable(),
    }),
  ),
});

/** How a quantized directory was made and what each linear lost. */
export interface QuantizationRecord {
  readonly identity: string;
  readonly recipe: QuantizationRecipe;
  readonly modules: readonly LinearError[];
}

/**
 * Claims `directory` for this quantization, and returns the errors of the linears that an earlier, killed run finished.
 *
 * @throws {BitmendError} `quantization/output-is-source`, `quantization/directory-not-empty`, `quantization/other-settings`; `files/...`
 * when it cannot be written.
 */
export function claimDirectory(
  directory: string,
  { source, identity, recipe }: { source: string; identity: string; recipe: QuantizationRecipe },
): readonly LinearError[] {
  const target = existsSync(directory) ? realpathSync(directory) : resolve(directory);
  const origin = realpathSync(source);
  if (target === origin || target.startsWith(origin + sep)) {
    throw new BitmendError(
      "quantization/output-is-source",
      `claimDirectory(): expected an output directory outside the source ${source}, got ${directory}.`,
      { hint: "Choose another directory." },
    );
  }
  const known = readRecord(directory);
  if (known !== null && known.identity !== identity) {
    throw new BitmendError(
      "quantization/other-settings",
      `claimDirectory(): expected ${directory} to be begun with this source, recipe and calibration text, but it was begun with others.`,
      { hint: "Choose another directory, or delete this one." },
    );
  }
  if (known !== null) return known.modules;
  if (listing(directory).length > 0) {
    throw new BitmendError(
      "quantization/directory-not-empty",
      `claimDirectory(): expected an empty or new directory, got ${directory} with ${listing(directory).slice(0, 5).join(", ")}.`,
      { hint: "Choose another directory, or empty this one." },
    );
  }
  makeDirectory(directory);
  writeRecord(directory, { identity, recipe, modules: [] });
  return [];
}

/** Writes the record, whole. */
export function writeRecord(directory: string, record: QuantizationRecord): void {
  writeOrExplain(join(directory, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
}

/**
 * Reads the record of a directory; null where there is none.
 *
 * @throws {BitmendError} `quantization/bad-record` when the file is not one.
 */
export function readRecord(directory: string): QuantizationRecord | null {
  const path = join(directory, RECORD_FILE);
  if (!existsSync(path)) return null;
  try {
    return recordSchema.parse(JSON.parse(readTextFile(path)));
  } catch (cause) {
    if (cause instanceof BitmendError) throw cause;
    throw new BitmendError(
      "quantization/bad-record",
      `readRecord(): expected ${path} to record a quantization by bitmend, got something else.`,
      { hint: "Delete the directory, or choose another.", cause },
    );
  }
}

function listing(directory: string): string[] {
  if (!existsSync(directory)) return [];
  try {
    // A record that a killed run was just writing is no reason to refuse, and the caller's own records are none.
    return readdirSync(directory).filter(
      (name) => ![`${RECORD_FILE}.partial`, RECORDS_FOLDER].includes(name),
    );
  } catch (error) {
    throw fileSystemError(error, "claimDirectory()", directory);
  }
}
