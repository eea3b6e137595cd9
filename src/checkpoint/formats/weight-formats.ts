/** @file The formats of low-bit weights in safetensors that are read and written: a new one adds its lines here. */
import { BitmendError } from "../../util/errors.ts";
import { isJsonObject } from "../json-file.ts";
import { awqReader, awqWriter } from "./awq.ts";
import { compressedTensorsReader, compressedTensorsWriter } from "./compressed-tensors.ts";
import { gptqReader, gptqV2Writer, gptqWriter } from "./gptq.ts";
import { mlxReader, mlxWriter } from "./mlx.ts";
import type { LayoutOf, WeightFormatName, WeightFormatReader, WeightFormatWriter } from "./weight-format.ts";

const weightFormatReaders: readonly WeightFormatReader[] = [
  mlxReader,
  compressedTensorsReader,
  gptqReader,
  awqReader,
];

/** Every writer, by the name that people give. */
export const weightFormatWriters = {
  "compressed-tensors": compressedTensorsWriter,
  gptq: gptqWriter,
  "gptq-v2": gptqV2Writer,
  awq: awqWriter,
  mlx: mlxWriter,
} as const satisfies Readonly<Record<string, WeightFormatWriter>>;

/**
 * Finds the format that a config.json announces and reads its settings; null for a model in full precision.
 *
 * @throws {BitmendError} `checkpoint/unsupported-quantization` for other formats and settings.
 */
export function readWeightLayouts(
  rawConfig: Readonly<Record<string, unknown>>,
  where: string,
): { readonly format: WeightFormatName; readonly layoutOf: LayoutOf } | null {
  for (const { name, layouts } of weightFormatReaders) {
    const layoutOf = layouts(rawConfig, where);
    if (layoutOf !== null) return { format: name, layoutOf };
  }
  for (const key of ["quantization_config", "quantization"]) {
    const block = rawConfig[key] ?? null;
    if (block === null) continue;
    const method = isJsonObject(block) ? block["quant_method"] : block;
    throw new BitmendError(
      "checkpoint/unsupported-quantization",
      `readWeightLayouts(): ${where}: expected ${key} with quant_method ${weightFormatReaders.map(({ name }) => name).join(", ")}, got ${JSON.stringify(method)?.slice(0, 60) ?? "none"}.`,
      { hint: "Take the original model, or another quantization of it." },
    );
  }
  return null;
}
