/**
 * @file Writes a quantized copy of a model, one durable shard per decoder layer, so that a killed run continues where it was.
 *
 * Every file is a function of the source, the schemes and the codes alone: kills leave no trace in the result.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BitmendError } from "../util/errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { expectedTensors } from "./expected-tensors.ts";
import { packedShapes, packedTensors } from "./formats/compressed-tensors.ts";
import { quantizationConfig, type QuantizationScheme } from "./formats/quantization-config.ts";
import { INDEX_FILE } from "./locate-tensors.ts";
import {
  copyCompanions,
  FILE_METADATA,
  makeDirectory,
  writeConfig,
  writeOrExplain,
} from "./model-directory.ts";
import type { QuantizedMatrix } from "./quantized-matrix.ts";
import {
  readSafetensorsHeader,
  readTensorBytes,
  writeSafetensors,
  type TensorToWrite,
} from "./safetensors.ts";

export interface QuantizedModelOptions {
  /** Full-precision model. */
  readonly source: Checkpoint;
  readonly directory: string;
  /** The linear modules to quantize. */
  readonly schemes: ReadonlyMap<string, QuantizationScheme>;
  /** Names the method and all its settings; a directory begun under another identity is refused. */
  readonly identity: string;
  /** Tensors that are not the source's any more, e.g. norm gains that were trained on; written as F32. Default: none. */
  readonly replacements?: ReadonlyMap<string, Float32Array>;
}

/** `null` stands for what lies outside the decoder layers: embeddings, last norm, head. */
type ShardLayer = number | null;

export interface QuantizedModelWriter {
  /** Whether the shard of `layer` is on disk, whole. */
  readonly isWritten: (layer: ShardLayer) => boolean;
  /** Writes the shard of `layer`: its quantized modules (all of them, in `matrices`) and its other tensors as they are. */
  readonly writeShard: (layer: ShardLayer, matrices: ReadonlyMap<string, QuantizedMatrix>) => void;
  /** Writes index, companions and config.json, once all shards are written; only then can the directory be opened. */
  readonly finish: () => void;
}

const IDENTITY_KEY = "bitmend.identity";

/**
 * Opens `directory` for writing; shards of an earlier, killed run with the same identity count as written.
 *
 * @throws {BitmendError} `checkpoint/unknown-module` lists schemes for modules the model does not have, `checkpoint/other-identity`
 * when the directory was begun with other settings, `checkpoint/already-quantized`.
 */
export function quantizedModelWriter(options: QuantizedModelOptions): QuantizedModelWriter {
  const { source, directory } = options;
  const parts = planShards(options);
  makeDirectory(directory);
  const shardOf = (layer: ShardLayer): Shard => {
    const shard = parts.get(layer);
    if (shard === undefined) throw wrongShard(`the model has no layer ${layer}`);
    return shard;
  };
  const isWritten = (layer: ShardLayer): boolean => isWhole(shardOf(layer), options);
  return {
    isWritten,
    writeShard: (layer, matrices) => {
      const shard = shardOf(layer);
      writeSafetensors(
        join(directory, shard.file),
        shardTensors(shard, { ...options, matrices }),
        metadataOf(options),
      );
    },
    finish: () => {
      const missing = [...parts.keys()].filter((layer) => !isWritten(layer));
      if (missing.length > 0) throw wrongShard(`not written are ${missing.map(nameOfLayer).join(", ")}`);
      writeIndex(directory, [...parts.values()]);
      copyCompanions(source.directory, directory);
      writeConfig(directory, {
        ...source.rawConfig,
        quantization_config: quantizationConfig(options.schemes, ignoredModules(options)),
      });
    },
  };
}

interface Shard {
  readonly file: string;
  /** Tensors to copy. */
  readonly copied: readonly string[];
  readonly quantized: ReadonlyMap<string, QuantizationScheme>;
  /** Names and shapes of all tensors the shard holds. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

function planShards({ source, schemes }: QuantizedModelOptions): Map<ShardLayer, Shard> {
  if (source.quantization !== null) {
    throw new BitmendError(
      "checkpoint/already-quantized",
      `quantizedModelWriter(): expected a full-precision model, got a quantized one in ${source.directory}.`,
      { hint: "Quantize the original model." },
    );
  }
  const expected = expectedTensors(source.config);
  const unknown = [...schemes.keys()].filter((module) => !expected.has(`${module}.weight`));
  if (unknown.length > 0) {
    throw new BitmendError(
      "checkpoint/unknown-module",
      `quantizedModelWriter(): expected linear modules of the model, got ${unknown.slice(0, 20).join(", ")}.`,
    );
  }
  const layers: ShardLayer[] = [
    ...Array.from({ length: source.config.layerCount }, (_, layer) => layer),
    null,
  ];
  const names = Map.groupBy(expected.keys(), layerOf);
  return new Map(
    layers.map((layer, index) => {
      const shard = planShard(names.get(layer) ?? [], { expected, schemes });
      return [layer, { ...shard, file: shardFile(index, layers.length) }];
    }),
  );
}

function planShard(
  names: readonly string[],
  {
    expected,
    schemes,
  }: { expected: ReadonlyMap<string, readonly number[]>; schemes: ReadonlyMap<string, QuantizationScheme> },
): Omit<Shard, "file"> {
  const copied: string[] = [];
  const quantized = new Map<string, QuantizationScheme>();
  const shapes = new Map<string, readonly number[]>();
  for (const name of names) {
    const module = name.replace(/\.weight$/u, "");
    const scheme = schemes.get(module);
    const shape = expected.get(name) ?? [];
    if (scheme === undefined || module === name) {
      copied.push(name);
      shapes.set(name, shape);
      continue;
    }
    quantized.set(module, scheme);
    const [rows, columns] = [shape[0]!, shape[1]!];
    for (const [part, partShape] of packedShapes(module, { rows, columns, scheme }))
      shapes.set(part, partShape);
  }
  return { copied, quantized, shapes };
}

function layerOf(name: string): ShardLayer {
  const layer = /^model\.layers\.(\d+)\./u.exec(name)?.[1];
  return layer === undefined ? null : Number(layer);
}

/** The names transformers gives to shards. */
function shardFile(index: number, count: number): string {
  const [number, total] = [index + 1, count].map((value) => String(value).padStart(5, "0"));
  return `model-${number}-of-${total}.safetensors`;
}

function shardTensors(
  shard: Shard,
  options: QuantizedModelOptions & { readonly matrices: ReadonlyMap<string, QuantizedMatrix> },
): TensorToWrite[] {
  const { source, matrices, replacements } = options;
  const offences = [...matrices.keys()].filter((module) => !shard.quantized.has(module));
  const tensors: TensorToWrite[] = [];
  for (const [module, scheme] of shard.quantized) {
    const matrix = matrices.get(module);
    if (matrix === undefined || !fits(matrix, scheme)) offences.push(module);
    else tensors.push(...packedTensors(module, matrix));
  }
  if (offences.length > 0)
    throw wrongShard(`missing, unplanned or of another scheme are ${offences.join(", ")}`);
  for (const name of shard.copied) {
    const tensor = source.tensors.get(name);
    if (tensor === undefined) continue;
    const { dataType, shape } = tensor;
    const values = replacements?.get(name);
    if (values === undefined) tensors.push({ name, dataType, shape, data: () => readTensorBytes(tensor) });
    else
      tensors.push({ name, dataType: "F32", shape, data: new Uint8Array(Float32Array.from(values).buffer) });
  }
  return tensors;
}

function fits(matrix: QuantizedMatrix, { bits, groupSize, symmetric }: QuantizationScheme): boolean {
  return (
    matrix.bits === bits &&
    matrix.symmetric === symmetric &&
    matrix.groupSize === (groupSize ?? matrix.columns)
  );
}

function isWhole({ file, shapes }: Shard, { directory, identity }: QuantizedModelOptions): boolean {
  const path = join(directory, file);
  if (!existsSync(path)) return false;
  const { tensors, metadata } = readSafetensorsHeader(path);
  if (metadata[IDENTITY_KEY] !== identity) {
    throw new BitmendError(
      "checkpoint/other-identity",
      `quantizedModelWriter(): expected shards of these settings in ${directory}, got those of others.`,
      { hint: "Choose an empty directory, or delete this one." },
    );
  }
  const agrees = [...shapes].every(([name, shape]) => tensors.get(name)?.shape.join() === shape.join());
  return agrees && tensors.size === shapes.size;
}

function metadataOf({ identity }: QuantizedModelOptions): Record<string, string> {
  return { ...FILE_METADATA, [IDENTITY_KEY]: identity };
}

function writeIndex(directory: string, shards: readonly Shard[]): void {
  const entries: [string, string][] = [];
  let totalBytes = 0;
  for (const { file } of shards) {
    for (const [name, { byteLength }] of readSafetensorsHeader(join(directory, file)).tensors) {
      entries.push([name, file]);
      totalBytes += byteLength;
    }
  }
  entries.sort(([left], [right]) => (left < right ? -1 : 1));
  const index = { metadata: { total_size: totalBytes }, weight_map: Object.fromEntries(entries) };
  writeOrExplain(join(directory, INDEX_FILE), `${JSON.stringify(index, null, 2)}\n`);
}

/** Linear modules that stay as they are; a tied head is one, although no tensor has its name. */
function ignoredModules({ source, schemes }: QuantizedModelOptions): string[] {
  const modules = [...expectedTensors(source.config).keys()]
    .filter((name) => name.endsWith("_proj.weight"))
    .map((name) => name.replace(/\.weight$/u, ""));
  return [...modules, "lm_head"].filter((module) => !schemes.has(module));
}

function nameOfLayer(layer: ShardLayer): string {
  return layer === null ? "embeddings, norm and head" : `layer ${layer}`;
}

function wrongShard(what: string): BitmendError {
  return new BitmendError(
    "checkpoint/wrong-shard",
    `quantizedModelWriter(): expected each shard once and whole, but ${what}.`,
  );
}
