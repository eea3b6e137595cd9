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

/** The parameters of one layer as float32, each read when it is first asked for. */
export function readLayerParameters(
  { config, readFloat32 }: Pick<Checkpoint, "config" | "readFloat32">,
  layer: number,
): LayerParameters {
  return new StoredParameters(
    new Map(
      layerParameters(config, layer).map(({ name, shape }) => [
        nameInLayer(name),
        () => sharedFloats(shape, readFloat32(name)),
      ]),
    ),
  );
}

/** Entries are read when they are asked for; a deleted one is gone. */
class StoredParameters extends Map<string, SharedFloats> {
  readonly #readers: Map<string, () => SharedFloats>;

  constructor(readers: Map<string, () => SharedFloats>) {
    super();
    this.#readers = readers;
  }

  override has(name: string): boolean {
    return this.#readers.has(name) || super.has(name);
  }

  override get(name: string): SharedFloats | undefined {
    const known = super.get(name);
    if (known !== undefined) return known;
    const read = this.#readers.get(name)?.();
    if (read !== undefined) super.set(name, read);
    return read;
  }

  override delete(name: string): boolean {
    const isStored = this.#readers.delete(name);
    return super.delete(name) || isStored;
  }

  override entries(): MapIterator<[string, SharedFloats]> {
    for (const name of this.#readers.keys()) this.get(name);
    return super.entries();
  }

  override [Symbol.iterator](): MapIterator<[string, SharedFloats]> {
    return this.entries();
  }
}

/** A shared copy of `values`, or zeros. */
export function sharedFloats(shape: readonly number[], values?: Float32Array): SharedFloats {
  const length = shape.reduce((product, size) => product * size, 1);
  const data = new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
  if (values !== undefined) data.set(values);
  return { dataType: "f32", shape, data };
}
