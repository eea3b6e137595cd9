import { BitmendError } from "../util/errors.ts";
import type { HubId } from "./hub-id.ts";

/** What of a repository makes a model that bitmend can open. */
export interface ChosenFiles {
  readonly kind: "safetensors" | "gguf" | "none";
  /** File names at the root of the repository. */
  readonly names: readonly string[];
}

/** Small files that belong to a model, by name; weights are chosen apart. */
const COMPANIONS =
  /^(?:config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template|quantize_config|quant_config)\.json$|^(?:merges\.txt|tokenizer\.model|chat_template\.jinja)$|^LICENSE/u;

/**
 * The files of a repository to fetch: safetensors with what belongs to them, or the one GGUF file that is meant.
 *
 * @throws {BitmendError} `hub/which-file` when several GGUF files could be meant.
 */
export function chooseFiles(names: readonly string[], { repository, file }: HubId): ChosenFiles {
  // The original weights of some repositories lie beside the ones in Hugging Face's names.
  const weights = names.filter((name) => /\.safetensors(?:\.index\.json)?$/u.test(name));
  const safetensors = weights.filter((name) => !/^(?:consolidated|adapter_)/u.test(name));
  if (file === null && safetensors.some((name) => name.endsWith(".safetensors"))) {
    return { kind: "safetensors", names: [...names.filter((name) => COMPANIONS.test(name)), ...safetensors] };
  }
  const all = names.filter((name) => name.endsWith(".gguf"));
  const meant = all.filter((name) => name === file);
  const matching =
    meant.length > 0
      ? meant
      : all.filter((name) => file === null || name.toLowerCase().includes(file.toLowerCase()));
  if (matching.length === 1) return { kind: "gguf", names: matching };
  if (all.length === 0) return { kind: "none", names: [] };
  const listed = (matching.length > 0 ? matching : all).slice(0, 20).join(", ");
  throw new BitmendError(
    "hub/which-file",
    `chooseFiles(): expected one GGUF file of ${repository}, got ${file === null ? "several" : `${matching.length} for "${file}"`}: ${listed}.`,
    { hint: `Add a part of its name that no other has: ${repository}:PART.` },
  );
}
