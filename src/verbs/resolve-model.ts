import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cachedModel } from "../hub/hub-cache.ts";
import { parseHubId } from "../hub/hub-id.ts";
import { hubSettings } from "../hub/hub-settings.ts";
import { BitmendError } from "../util/errors.ts";
import type { VerbRun } from "./events.ts";
import { drawPull } from "./pull.ts";

/** The models that ship with bitmend, by the name people give. */
export const shippedModels: Readonly<Record<string, string>> = {
  pocket: fileURLToPath(new URL("../../models/pocket", import.meta.url)),
  "pocket-small": fileURLToPath(new URL("../../models/pocket-small", import.meta.url)),
};

/**
 * The path of a model: one that ships with bitmend by its name, a directory or file on disk, or one of the hub by its id, which is fetched
 * where the cache does not have it.
 *
 * @yields Progress of the fetching.
 * @throws {BitmendError} `verbs/no-model` when the name is none of these, and those of `pullModel()`.
 */
export async function* resolveModel(
  model: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): VerbRun<string> {
  const local = localModel(model);
  if (local !== null) return local;
  const id = parseHubId(model);
  if (id === null || existsSync(resolve(model))) throw noModel(model);
  return cachedModel(hubSettings().cacheDirectory, id) ?? (yield* drawPull(id, signal)).path;
}

/** A model that needs no hub: shipped, or on disk; null where there is none. */
function localModel(model: string): string | null {
  const path = shippedModels[model] ?? resolve(model);
  return holdsModel(path) ? path : null;
}

function holdsModel(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return false;
  if (status.isFile()) return path.endsWith(".gguf");
  return existsSync(join(path, "config.json")) || readdirSync(path).some((name) => name.endsWith(".gguf"));
}

function noModel(model: string): BitmendError {
  return new BitmendError(
    "verbs/no-model",
    `resolveModel(): expected a model directory with config.json or a .gguf file, got ${resolve(model)}.`,
    {
      hint: `Name a model directory, a .gguf file, a model of the Hugging Face hub (org/name), or one of: ${Object.keys(shippedModels).join(", ")}.`,
    },
  );
}
