/** @file Low-bit weights as compressed-tensors stores them, the form vLLM and transformers load. */
import { inexactScale } from "../stored-weight.ts";
import { integerTensors, intQuantized } from "./int-quantized.ts";
import { packQuantized, packedTensors } from "./pack-quantized.ts";
import { formOf, parseQuantizationConfig, quantizationConfig } from "./quantization-config.ts";
import type { WeightFormatReader, WeightFormatWriter } from "./weight-format.ts";

/** Reads compressed-tensors. */
export const compressedTensorsReader: WeightFormatReader = {
  name: "compressed-tensors",
  layouts: (rawConfig, where) => {
    const settingsOf = parseQuantizationConfig(rawConfig["quantization_config"], where);
    if (settingsOf === null) return null;
    return (module) => {
      const settings = settingsOf(module);
      if (settings === null) return null;
      return settings.form === "int-quantized"
        ? intQuantized(settings.scheme)
        : packQuantized(settings.scheme, settings.packer);
    };
  },
};

/** Writes compressed-tensors. */
export const compressedTensorsWriter: WeightFormatWriter = {
  name: "compressed-tensors",
  inexact: inexactScale,
  tensors: (module, matrix) =>
    formOf(matrix) === "int-quantized" ? integerTensors(module, matrix) : packedTensors(module, matrix),
  config: (schemes, kept) => ({ quantization_config: quantizationConfig(schemes, kept) }),
};
