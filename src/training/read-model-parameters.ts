import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { dequantize } from "../checkpoint/dequantize.ts";
import { segmentOf, type FlatParameters } from "./parameters.ts";
import { modelParameters } from "./model-parameters.ts";

/** All weights of a checkpoint in float32; quantized ones as the numbers their codes stand for. */
export function readModelParameters(checkpoint: Checkpoint): FlatParameters {
  const parameters = modelParameters(checkpoint.config);
  for (const segment of parameters.segments) {
    const module = segment.name.replace(/\.weight$/v, "");
    const values =
      checkpoint.quantization?.has(module) === true
        ? dequantize(checkpoint.readQuantized(module))
        : checkpoint.readFloat32(segment.name);
    segmentOf(parameters.values, segment).set(values);
  }
  return parameters;
}
