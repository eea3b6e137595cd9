import { join } from "node:path";
import { makeDirectory } from "../checkpoint/model-directory.ts";
import { writeSafetensors } from "../checkpoint/safetensors.ts";
import { writeFileAtomically } from "../util/atomic-file.ts";
import type { LoraSettings } from "./lora-model.ts";
import { segmentOf, type FlatParameters } from "./parameters.ts";

/** Writes a directory that the PEFT library reads: adapter_model.safetensors (float32) and adapter_config.json. */
export function saveAdapter(
  directory: string,
  adapters: FlatParameters,
  { rank, alpha, baseModel }: LoraSettings & { readonly baseModel: string },
): void {
  makeDirectory(directory);
  const tensors = adapters.segments.map((segment) => {
    const { buffer, byteOffset, byteLength } = segmentOf(adapters.values, segment);
    return {
      name: segment.name,
      dataType: "F32" as const,
      shape: segment.shape,
      data: new Uint8Array(buffer, byteOffset, byteLength),
    };
  });
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: baseModel,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: 0,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    target_modules: targetModules(adapters),
  };
  writeSafetensors(join(directory, "adapter_model.safetensors"), tensors, { format: "pt" });
  writeFileAtomically(join(directory, "adapter_config.json"), `${JSON.stringify(config, null, 2)}\n`);
}

/** Last parts of the adapted modules' names, e.g. "q_proj". */
function targetModules({ segments }: FlatParameters): string[] {
  const modules = segments.map(({ name }) => name.split(".").at(-3) ?? "");
  return [...new Set(modules)].toSorted();
}
