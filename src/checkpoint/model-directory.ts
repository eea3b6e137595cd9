/** @file Writing Hugging Face model directories. `config.json` comes last: a directory without it is unfinished, and nothing opens it. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeFileAtomically } from "../util/atomic-file.ts";
import { fileSystemError } from "../util/file-system-error.ts";
import { SINGLE_FILE } from "./locate-tensors.ts";
import { writeSafetensors, type TensorToWrite } from "./safetensors.ts";

/** Files beside the weights that a copy of a model keeps. */
const COMPANIONS = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
  "chat_template.jinja",
  "generation_config.json",
];

/** What transformers expects in the header of the files it reads. */
export const FILE_METADATA = { format: "pt" } as const;

export interface ModelDirectory {
  /** Content of config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: Iterable<TensorToWrite>;
  /** Directory whose tokenizer files, chat template and generation settings are copied. */
  readonly companionsFrom?: string;
}

/**
 * Writes a model with all weights in one file.
 *
 * @throws {BitmendError} `checkpoint/bad-tensor`, `files/disk-full`, `files/read-only`, `files/no-permission`...
 */
export function writeModelDirectory(
  directory: string,
  { config, tensors, companionsFrom }: ModelDirectory,
): void {
  makeDirectory(directory);
  writeSafetensors(join(directory, SINGLE_FILE), tensors, FILE_METADATA);
  if (companionsFrom !== undefined) copyCompanions(companionsFrom, directory);
  writeConfig(directory, config);
}

/** Creates a directory and those above it. */
export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw fileSystemError(reasonAgainst(directory) ?? error, "writeModelDirectory()", directory);
  }
}

/** Why the nearest directory there is cannot be written; null if it can. Of a read-only one, mkdir says that the path does not exist. */
function reasonAgainst(directory: string): unknown {
  const parent = dirname(directory);
  if (!existsSync(directory) && parent !== directory) return reasonAgainst(parent);
  try {
    accessSync(directory, constants.W_OK);
    return null;
  } catch (error) {
    return error;
  }
}

/** Copies tokenizer, chat template and generation settings, those that exist. */
export function copyCompanions(from: string, directory: string): void {
  for (const name of COMPANIONS) {
    const [source, target] = [join(from, name), join(directory, name)];
    if (source !== target && existsSync(source)) writeOrExplain(target, readFileSync(source));
  }
}

/** Writes config.json, the last file of a directory. */
export function writeConfig(directory: string, config: Readonly<Record<string, unknown>>): void {
  writeOrExplain(join(directory, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
}

/** Writes a whole file atomically, with the errors of {@link fileSystemError}. */
export function writeOrExplain(path: string, content: string | Uint8Array): void {
  try {
    writeFileAtomically(path, content);
  } catch (error) {
    throw fileSystemError(error, "writeModelDirectory()", path);
  }
}
