import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BitmendError } from "../util/errors.ts";

/** The models that ship with bitmend, by the name people give. */
export const shippedModels: Readonly<Record<string, string>> = {
  pocket: fileURLToPath(new URL("../../models/pocket", import.meta.url)),
  "pocket-small": fileURLToPath(new URL("../../models/pocket-small", import.meta.url)),
};

/**
 * The directory of a model: one that ships with bitmend by its name, else a directory on disk.
 *
 * @throws {BitmendError} `verbs/no-model` when there is no config.json.
 */
export function resolveModel(model: string): string {
  const directory = shippedModels[model] ?? resolve(model);
  if (existsSync(join(directory, "config.json"))) return directory;
  throw new BitmendError(
    "verbs/no-model",
    `resolveModel(): expected a model directory with config.json, got ${directory}.`,
    {
      hint: `Name a Hugging Face model directory, or one of: ${Object.keys(shippedModels).join(", ")}.`,
    },
  );
}
