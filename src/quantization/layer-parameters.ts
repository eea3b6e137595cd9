import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { EngineTensor } from "../engine/index.ts";
import { layerParameters } from "../models/parameter-sites.ts";

/** A float32 tensor in memory that worker threads read in place. */
export interface SharedFloats extends EngineTensor {
  readonly dataType: "f32";
  readonly data: Float32Array;
}

/** The parameters of one decoder layer by their names inside the layer, e.g. `self_attn.q_proj.weight`. */
export type LayerParameters = Map<string, SharedFloats>;

/** The name of a tensor or module inside its layer: without `model.layers.N.`. */
export function nameInLayer(name: string): string {
  return name.replace(/^model\.layers\.\d+\./u, "");
}

/** Reads all parameters of one layer as float32. */
export function readLayerParameters(
  { config, readFloat32 }: Pick<Checkpoint, "config" | "readFloat32">,
  layer: number,
): LayerParameters {
  return new Map(
    layerParameters(config, layer).map(({ name, shape }) => [
      nameInLayer(name),
      sharedFloats(shape, readFloat32(name)),
    ]),
  );
}

/** A shared copy of `values`, or zeros. */
export function sharedFloats(shape: readonly number[], values?: Float32Array): SharedFloats {
  const length = shape.reduce((product, size) => product * size, 1);
  const data = new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
  if (values !== undefined) data.set(values);
  return { dataType: "f32", shape, data };
}
