/** @file Low-bit weights as compressed-tensors stores them, the form vLLM and transformers load. */
import { inexactScale } from "../stored-weight.ts";
import { packQuantized, packedTensors } from "./pack-quantized.ts";
import { parseQuantizationConfig, quantizationConfig } from "./quantization-config.ts";
import type { WeightFormatReader, WeightFormatWriter } from "./weight-format.ts";

/** Reads compressed-tensors. */
export const compressedTensorsReader: WeightFormatReader = {
  name: "compressed-tensors",
  layouts: (rawConfig, where) => {
    const schemeOf = parseQuantizationConfig(rawConfig["quantization_config"], where);
    if (schemeOf === null) return null;
    return (module) => {
      const scheme = schemeOf(module);
      return scheme === null ? null : packQuantized(scheme);
    };
  },
};

/** Writes compressed-tensors. */
export const compressedTensorsWriter: WeightFormatWriter = {
  name: "compressed-tensors",
  inexact: inexactScale,
  tensors: packedTensors,
  config: (schemes, kept) => ({ quantization_config: quantizationConfig(schemes, kept) }),
};
