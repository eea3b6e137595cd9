/** @file The formats of low-bit weights in safetensors that are read and written: a new one adds its lines here. */
import { BitmendError } from "../../util/errors.ts";
import { isJsonObject } from "../json-file.ts";
import { awqReader } from "./awq.ts";
import { compressedTensorsReader } from "./compressed-tensors.ts";
import { gptqReader } from "./gptq.ts";
import { mlxReader } from "./mlx.ts";
import type { LayoutOf, WeightFormatName, WeightFormatReader } from "./weight-format.ts";

const weightFormatReaders: readonly WeightFormatReader[] = [
  mlxReader,
  compressedTensorsReader,
  gptqReader,
  awqReader,
];

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
