import { realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import type { Graph } from "../graph/graph.ts";
import { cast } from "../graph/operations.ts";
import type { Tensor } from "../graph/tensor.ts";
import { BitmendError } from "../util/errors.ts";
import { placedFloats, type StoredWeights } from "./onnx-model/stored-weights.ts";

/** Where a runnable model takes its weights from. */
export interface ModelSource {
  readonly config: ModelConfig;
  /** A full parameter inside `graph`, as f32. */
  readonly parameter: (graph: Graph, name: string, shape: readonly number[]) => Tensor;
  /** The low-bit matrix of a module, or null where the weight is full. */
  readonly quantized: (module: string) => QuantizedMatrix | null;
  /** Low-bit weights that lie in a file, in the layout of their operators; these come first. Default: none. */
  readonly stored?: StoredWeights;
  /** The folder of weights that stay in their files; null when there are none. */
  readonly externalDataFolder: string | null;
}

/** Element types that the engine reads in place. */
const inPlaceTypes = { F32: "f32", F16: "f16", BF16: "bf16" } as const;

function isInPlace(dataType: string): dataType is keyof typeof inPlaceTypes {
  return dataType in inPlaceTypes;
}

/** The weights of a checkpoint, where they lie: 16-bit floats are widened by the engine, and nothing is converted here. */
export function checkpointSource(checkpoint: Checkpoint): ModelSource {
  const { folder, realPaths } = weightFiles(checkpoint);
  return {
    config: checkpoint.config,
    parameter: (graph, name, shape) => {
      const location = checkpoint.tensors.get(name);
      const path = location === undefined ? undefined : realPaths.get(location.path);
      if (location === undefined || path === undefined || !isInPlace(location.dataType)) {
        return graph.constant("f32", shape, checkpoint.readFloat32(name));
      }
      const { offset, byteLength } = location;
      const stored = graph.external(name, inPlaceTypes[location.dataType], shape, {
        file: basename(path),
        offset,
        length: byteLength,
      });
      return cast(stored, "f32");
    },
    quantized: (module) => {
      const weight = checkpoint.quantization?.get(module)?.read();
      return weight?.kind === "quantized" ? weight.matrix : null;
    },
    externalDataFolder: folder,
  };
}

/**
 * Where the files of the weights are in truth, and the folder that they share: in the cache of the hub they are links, and the engine
 * refuses to follow one out of its folder. Files in another folder than the first are left out.
 */
function weightFiles({ directory, tensors }: Checkpoint): {
  folder: string;
  realPaths: ReadonlyMap<string, string>;
} {
  const paths = new Set([...tensors.values()].map(({ path }) => path));
  const all = [...paths].map((path) => [path, realpathSync(path)] as const);
  const folder = all[0] === undefined ? directory : dirname(all[0][1]);
  return { folder, realPaths: new Map(all.filter(([, real]) => dirname(real) === folder)) };
}

/** Weights in memory, for models that are being trained. */
export interface MemoryWeights {
  readonly config: ModelConfig;
  /** By Hugging Face tensor name. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** By module name; these win over full parameters. */
  readonly quantized?: ReadonlyMap<string, QuantizedMatrix>;
}

/** The weights of a model that is in memory. */
export function memorySource({ config, parameters, quantized }: MemoryWeights): ModelSource {
  return {
    config,
    parameter: (graph, name, shape) => {
      const values = parameters.get(name);
      if (values === undefined) {
        throw new BitmendError(
          "models/missing-parameter",
          `memorySource(): expected ${name} [${shape.join(", ")}], got nothing of that name.`,
        );
      }
      return graph.constant("f32", shape, values);
    },
    quantized: (module) => quantized?.get(module) ?? null,
    externalDataFolder: null,
  };
}

/** All weights of a model in one file of `folder`. */
export interface FileWeights {
  readonly config: ModelConfig;
  readonly folder: string;
  readonly stored: StoredWeights;
}

/** The weights of a data file, where they lie. */
export function storedSource({ config, folder, stored }: FileWeights): ModelSource {
  return {
    config,
    parameter: (graph, name) => placedFloats(graph, stored, name),
    quantized: () => null,
    stored,
    externalDataFolder: folder,
  };
}
