import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { readTensorBytes } from "../../checkpoint/safetensors.ts";

/** Files beside the weights that decide what a model reads and writes. */
const companions = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
];

/** SHA-256 of a model's weights and of the files that decide what it does, so that a run is never continued with another model. */
export function modelIdentity({ directory, tensors }: Pick<Checkpoint, "directory" | "tensors">): string {
  const hash = createHash("sha256");
  for (const name of companions) {
    const path = join(directory, name);
    hash.update(`${name}\n`).update(existsSync(path) ? readFileSync(path) : "");
  }
  for (const name of [...tensors.keys()].toSorted()) {
    const tensor = tensors.get(name)!;
    hash.update(JSON.stringify([name, tensor.dataType, tensor.shape])).update(readTensorBytes(tensor));
  }
  return hash.digest("hex");
}
