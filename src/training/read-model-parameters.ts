import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { segmentOf, type FlatParameters } from "./parameters.ts";
import { modelParameters } from "./model-parameters.ts";

/** All weights of a checkpoint in float32; quantized ones as the numbers their codes stand for. */
export function readModelParameters(checkpoint: Checkpoint): FlatParameters {
  const parameters = modelParameters(checkpoint.config);
  for (const segment of parameters.segments) {
    segmentOf(parameters.values, segment).set(checkpoint.readFloat32(segment.name));
  }
  return parameters;
}
