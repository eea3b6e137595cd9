import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { BitmendError } from "../util/errors.ts";
import { pocketRecipe } from "./pocket-recipe.ts";
import { parseRunRecipe, type RunRecipe } from "./run-recipe.ts";

/**
 * The recipe of a file (a TypeScript or JavaScript module that exports `recipe`), or the shipped one, with single settings changed.
 *
 * `settings` are like `quantization.groupSize=128`: a path and a JSON value, or plain text where it is no JSON.
 *
 * @throws {BitmendError} `verbs/bad-recipe` when the file cannot be loaded, exports no recipe, or the result is none.
 */
export async function loadRecipe(file: string | undefined, settings: readonly string[]): Promise<RunRecipe> {
  const base: unknown = file === undefined ? pocketRecipe : await importRecipe(file);
  return parseRunRecipe(withSettings(base, settings));
}

/**
 * A deep copy of `base` with single settings changed, as {@link loadRecipe} describes them.
 *
 * @throws {BitmendError} `verbs/bad-recipe` for text that is no setting.
 */
export function withSettings(base: unknown, settings: readonly string[]): unknown {
  const copy = deepCopy(base);
  for (const setting of settings) change(copy, setting);
  return copy;
}

/** A module's exported value must not change under its other users. */
function deepCopy(base: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(base));
  } catch (cause) {
    throw new BitmendError(
      "verbs/bad-recipe",
      "loadRecipe(): expected a recipe of plain values, got one that cannot be written as JSON.",
      { hint, cause },
    );
  }
}

const hint = "Export a value named `recipe`; docs/recipes.md has one to start from.";

async function importRecipe(file: string): Promise<unknown> {
  const path = resolve(file);
  let module: unknown;
  try {
    module = await import(pathToFileURL(path).href);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BitmendError(
      "verbs/bad-recipe",
      `loadRecipe(): expected a module, could not load ${path}: ${reason.trim().replace(/\.$/u, "")}.`,
      { hint, cause },
    );
  }
  if (typeof module === "object" && module !== null && "recipe" in module) return module.recipe;
  throw new BitmendError(
    "verbs/bad-recipe",
    `loadRecipe(): expected ${path} to export \`recipe\`, it does not.`,
    { hint },
  );
}

function change(recipe: unknown, setting: string): void {
  const match = /^(?<path>[^=]+)=(?<value>.*)$/su.exec(setting);
  const keys = match?.groups?.["path"]?.split(".") ?? [];
  const last = keys.pop();
  let place = recipe;
  for (const key of keys) {
    if (!isObject(place)) break;
    // Own keys alone: `--set constructor.x=1` must not reach what every object shares.
    if (!Object.hasOwn(place, key)) Object.defineProperty(place, key, own({}));
    place = place[key];
  }
  if (last === undefined || !isObject(place)) {
    throw new BitmendError(
      "verbs/bad-recipe",
      `loadRecipe(): expected a setting like seed=3 or quantization.groupSize=128, got ${setting}.`,
      { hint: "docs/recipes.md lists what can be set." },
    );
  }
  Object.defineProperty(place, last, own(valueOf(match?.groups?.["value"] ?? "")));
}

function own(value: unknown): PropertyDescriptor {
  return { value, writable: true, enumerable: true, configurable: true };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
