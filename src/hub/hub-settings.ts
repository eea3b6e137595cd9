import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where the hub and its cache are, from the environment variables that all Hugging Face tools share. */
export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** The folder of `models--org--name` folders. */
  readonly cacheDirectory: string;
  /** Null for anonymous access. */
  readonly token: string | null;
  /** True when no request may be made. */
  readonly offline: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `HF_ENDPOINT`, `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`,
 * `HF_TOKEN_PATH`, `HF_HUB_DISABLE_IMPLICIT_TOKEN` and `HF_HUB_OFFLINE`.
 *
 * Source: {@link https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables | huggingface_hub, environment variables}.
 */
export function hubSettings(environment: Environment = process.env): HubSettings {
  const given = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const caches = given("XDG_CACHE_HOME") ?? join(homedir(), ".cache");
  const home = given("HF_HOME") ?? join(caches, "huggingface");
  return {
    endpoint: (given("HF_ENDPOINT") ?? "https://huggingface.co").replace(/\/+$/u, ""),
    cacheDirectory: given("HF_HUB_CACHE") ?? given("HUGGINGFACE_HUB_CACHE") ?? join(home, "hub"),
    token:
      given("HF_TOKEN") ??
      given("HUGGING_FACE_HUB_TOKEN") ??
      (isTrue(given("HF_HUB_DISABLE_IMPLICIT_TOKEN"))
        ? null
        : storedToken(given("HF_TOKEN_PATH") ?? join(home, "token"))),
    offline: isTrue(given("HF_HUB_OFFLINE")) || isTrue(given("TRANSFORMERS_OFFLINE")),
  };
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && ["1", "true", "yes", "on"].includes(value.toLowerCase());
}

function storedToken(path: string): string | null {
  if (!existsSync(path)) return null;
  return readFileSync(path, "utf8").trim() || null;
}
