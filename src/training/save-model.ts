import { join } from "node:path";
import { float32ToBfloat16 } from "../checkpoint/half-floats.ts";
import { makeDirectory } from "../checkpoint/model-directory.ts";
import { writeSafetensors } from "../checkpoint/safetensors.ts";
import { writeFileAtomically } from "../util/atomic-file.ts";
import { segmentOf, type FlatParameters } from "./parameters.ts";

export interface ModelToSave {
  readonly parameters: FlatParameters;
  /** Content of config.json. */
  readonly rawConfig: Readonly<Record<string, unknown>>;
}

/** Writes a Hugging Face directory: the weights rounded to bfloat16 in model.safetensors, and config.json. */
export function saveModel(directory: string, { parameters, rawConfig }: ModelToSave): void {
  makeDirectory(directory);
  const tensors = parameters.segments.map((segment) => ({
    name: segment.name,
    dataType: "BF16" as const,
    shape: segment.shape,
    data: () => new Uint8Array(float32ToBfloat16(segmentOf(parameters.values, segment)).buffer),
  }));
  writeSafetensors(join(directory, "model.safetensors"), tensors, { format: "pt" });
  writeFileAtomically(join(directory, "config.json"), `${JSON.stringify(rawConfig, null, 2)}\n`);
}
