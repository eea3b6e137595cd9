import { join } from "node:path";
import { readJsonObject } from "../checkpoint/json-file.ts";
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { readSafetensorsHeader, readTensorBytes } from "../checkpoint/safetensors.ts";
import { linearSites } from "../models/linear-sites.ts";
import type { LoraAdapters } from "../models/model.ts";
import { BitmendError } from "../util/errors.ts";
import { adapterNames } from "./lora-model.ts";

/**
 * Reads an adapter directory (PEFT's form, float32) for a model of `config`.
 *
 * @throws {BitmendError} `training/bad-adapter` listing everything that does not fit the model.
 */
export function readAdapter(directory: string, config: ModelConfig): LoraAdapters {
  const adapterConfig = readJsonObject(join(directory, "adapter_config.json"));
  const [rank, alpha] = [adapterConfig["r"], adapterConfig["lora_alpha"]];
  const path = join(directory, "adapter_model.safetensors");
  const { tensors } = readSafetensorsHeader(path);
  const offences: string[] = [];
  if (!isPositive(rank) || !Number.isInteger(rank)) offences.push(`r is ${String(rank)}`);
  if (!isPositive(alpha)) offences.push(`lora_alpha is ${String(alpha)}`);
  const modules = new Map<string, { rank: number; down: Float32Array; up: Float32Array }>();
  const read = new Set<string>();
  for (const site of linearSites(config)) {
    const names = adapterNames(site);
    const [down, up] = [tensors.get(names.down), tensors.get(names.up)];
    if (down === undefined && up === undefined) continue;
    read.add(names.down).add(names.up);
    const expected = `[${String(rank)}, ${site.inFeatures}] and [${site.outFeatures}, ${String(rank)}] in F32`;
    const got = [down, up].map((tensor) =>
      tensor === undefined ? "nothing" : `[${tensor.shape.join(", ")}] in ${tensor.dataType}`,
    );
    if (
      down === undefined ||
      up === undefined ||
      got.join(" and ") !== expected.replace(" and ", " in F32 and ")
    ) {
      offences.push(`${site.name} is ${got.join(" and ")} instead of ${expected}`);
    } else if (offences.length === 0) {
      const values = [down, up].map((tensor) => new Float32Array(readTensorBytes(tensor).buffer));
      modules.set(site.name, { rank: Number(rank), down: values[0]!, up: values[1]! });
    }
  }
  offences.push(
    ...[...tensors.keys()]
      .filter((name) => !read.has(name))
      .map((name) => `${name} has no place in the model`),
  );
  if (offences.length === 0) return { scaling: Number(alpha) / Number(rank), modules };
  throw new BitmendError(
    "training/bad-adapter",
    `readAdapter(): ${directory}: expected an adapter of this model, but ${offences.slice(0, 20).join("; ")}.`,
    { hint: "Take the adapter and the model it was trained on from the same run." },
  );
}

function isPositive(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}
