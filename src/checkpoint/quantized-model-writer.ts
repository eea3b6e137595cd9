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
import { encodeFloats } from "./encode-floats.ts";
import { compressedTensorsWriter } from "./formats/compressed-tensors.ts";
import type { QuantizationScheme } from "./formats/quantization-config.ts";
import type { WeightFormatWriter } from "./formats/weight-format.ts";
import { readWeightLayouts } from "./formats/weight-formats.ts";
import { INDEX_FILE } from "./locate-tensors.ts";
import {
  copyCompanions,
  FILE_METADATA,
  makeDirectory,
  writeConfig,
  writeOrExplain,
} from "./model-directory.ts";
import type { QuantizedMatrix } from "./quantized-matrix.ts";
import { readMatrix } from "./quantized-module.ts";
import { findQuantizedModules } from "./quantized-modules.ts";
import { readFloat32 } from "./read-float32.ts";
import {
  readSafetensorsHeader,
  readTensorBytes,
  writeSafetensors,
  type TensorToWrite,
} from "./safetensors.ts";

export interface QuantizedModelOptions {
  /** The model that everything else is taken from. */
  readonly source: Checkpoint;
  readonly directory: string;
  /** The modules to store low-bit, each with its own scheme. */
  readonly schemes: ReadonlyMap<string, QuantizationScheme>;
  /** Names the method and all its settings; a directory begun under another identity is refused. */
  readonly identity: string;
  /** How the low-bit weights are stored. Default: compressed-tensors. */
  readonly format?: WeightFormatWriter;
}

/** `null` stands for what lies outside the decoder layers: embeddings, last norm, head. */
export type ShardLayer = number | null;

interface ShardContent {
  /** Of every module of the shard that has a scheme. */
  readonly matrices: ReadonlyMap<string, QuantizedMatrix>;
  /**
   * Parameters by name that are not the source's any more, e.g. norm gains; stored in the source's data type where it holds them
   * exactly, else as F32. Default: none.
   */
  readonly replacements?: ReadonlyMap<string, Float32Array>;
}

export interface QuantizedModelWriter {
  /** Whether the shard of `layer` is on disk, whole. */
  readonly isWritten: (layer: ShardLayer) => boolean;
  /** Writes the shard of `layer`: its low-bit modules, the parameters that were replaced, and the others as they are. */
  readonly writeShard: (layer: ShardLayer, content: ShardContent) => void;
  /** Reads a written shard back; `replacements` are all its parameters besides the matrices. */
  readonly readShard: (layer: ShardLayer) => Required<ShardContent>;
  /** Writes index, companions and config.json, once all shards are written; only then can the directory be opened. */
  readonly finish: () => void;
}

const IDENTITY_KEY = "bitmend.identity";

const FORMAT_KEY = "bitmend.format";

/**
 * Opens `directory` for writing; shards of an earlier, killed run with the same identity count as written.
 *
 * @throws {BitmendError} `checkpoint/unknown-module` lists schemes for modules the model does not have, `checkpoint/other-identity`
 * when the directory was begun with other settings, and those of the format for schemes that it does not hold together.
 */
export function quantizedModelWriter(options: QuantizedModelOptions): QuantizedModelWriter {
  const { source, directory } = options;
  const shapes = expectedTensors(source.config);
  refuseUnknownModules(options.schemes, shapes);
  const planned = { format: compressedTensorsWriter, ...options, shapes };
  const plan: Plan = { ...planned, config: configOf(planned) };
  const shards = planShards(plan);
  makeDirectory(directory);
  const shardOf = (layer: ShardLayer): Shard => {
    const shard = shards.get(layer);
    if (shard === undefined) throw wrongShard(`the model has no layer ${layer}`);
    return shard;
  };
  const isWritten = (layer: ShardLayer): boolean => isWhole(shardOf(layer), plan);
  return {
    isWritten,
    writeShard: (layer, content) => {
      const shard = shardOf(layer);
      writeSafetensors(join(directory, shard.file), shardTensors(shard, plan, content), metadataOf(plan));
    },
    readShard: (layer) => readShard(shardOf(layer), plan),
    finish: () => {
      const missing = [...shards.keys()].filter((layer) => !isWritten(layer));
      if (missing.length > 0) throw wrongShard(`not written are ${missing.map(nameOfLayer).join(", ")}`);
      writeIndex(directory, [...shards.values()]);
      copyCompanions(source.directory, directory);
      writeConfig(directory, plan.config);
    },
  };
}

interface PlannedContent extends QuantizedModelOptions {
  readonly format: WeightFormatWriter;
  /** Of every parameter of the model. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

interface Plan extends PlannedContent {
  /** Content of config.json; made first, since a format may refuse the schemes together. */
  readonly config: Readonly<Record<string, unknown>>;
}

interface Shard {
  readonly file: string;
  readonly parameters: readonly string[];
}

function refuseUnknownModules(
  schemes: QuantizedModelOptions["schemes"],
  shapes: ReadonlyMap<string, readonly number[]>,
): void {
  const unknown = [...schemes.keys()].filter((module) => shapes.get(`${module}.weight`)?.length !== 2);
  if (unknown.length === 0) return;
  throw new BitmendError(
    "checkpoint/unknown-module",
    `quantizedModelWriter(): expected modules of the model that hold a matrix, got ${unknown.slice(0, 20).join(", ")}.`,
  );
}

function planShards({ source, shapes }: Plan): Map<ShardLayer, Shard> {
  const layers: ShardLayer[] = [
    ...Array.from({ length: source.config.layerCount }, (_, layer) => layer),
    null,
  ];
  const names = Map.groupBy(shapes.keys(), layerOf);
  return new Map(
    layers.map((layer, index) => [
      layer,
      { file: shardFile(index, layers.length), parameters: names.get(layer) ?? [] },
    ]),
  );
}

/** The shard that a module or parameter belongs to. */
export function layerOf(name: string): ShardLayer {
  const layer = /^model\.layers\.(\d+)\./u.exec(name)?.[1];
  return layer === undefined ? null : Number(layer);
}

/** The names transformers gives to shards. */
function shardFile(index: number, count: number): string {
  const [number, total] = [index + 1, count].map((value) => String(value).padStart(5, "0"));
  return `model-${number}-of-${total}.safetensors`;
}

function shardTensors(
  { parameters }: Shard,
  plan: Plan,
  { matrices, replacements }: ShardContent,
): TensorToWrite[] {
  const { schemes, shapes } = plan;
  const given = [
    ...[...matrices.keys()].map((module) => `${module}.weight`),
    ...(replacements?.keys() ?? []),
  ];
  const offences = given.filter((name) => !parameters.includes(name));
  const tensors: TensorToWrite[] = [];
  for (const name of parameters) {
    const module = moduleOf(name);
    const scheme = schemes.get(module);
    if (scheme === undefined || module === name) {
      const shape = shapes.get(name) ?? [];
      tensors.push(parameterTensor(name, { shape, values: replacements?.get(name) }, plan));
      continue;
    }
    const matrix = matrices.get(module);
    const written = matrix !== undefined && fits(matrix, scheme) ? plan.format.tensors(module, matrix) : null;
    if (written === null) offences.push(module);
    else tensors.push(...written);
  }
  if (offences.length === 0) return tensors;
  throw wrongShard(`missing, unplanned or of another scheme are ${offences.join(", ")}`);
}

/** A parameter that is not quantized; the source's bytes as they are, where it has them. */
function parameterTensor(
  name: string,
  { shape, values }: { shape: readonly number[]; values: Float32Array | undefined },
  { source }: Plan,
): TensorToWrite {
  const stored = source.tensors.get(name);
  if (values === undefined && stored !== undefined && source.quantization?.has(moduleOf(name)) !== true) {
    return { name, dataType: stored.dataType, shape, data: () => readTensorBytes(stored) };
  }
  return {
    name,
    shape,
    ...encodeFloats(values ?? source.readFloat32(name), { preferred: stored?.dataType }),
  };
}

function moduleOf(name: string): string {
  return name.replace(/\.weight$/u, "");
}

function fits(
  matrix: QuantizedMatrix,
  { bits, groupSize, symmetric, activations }: QuantizationScheme,
): boolean {
  return (
    matrix.bits === bits &&
    matrix.symmetric === symmetric &&
    matrix.groupSize === (groupSize ?? matrix.columns) &&
    matrix.activations === activations
  );
}

/** A file appears under its name only when it is whole, so that its identity is all there is to check. */
function isWhole({ file }: Shard, { directory, identity, format }: Plan): boolean {
  const path = join(directory, file);
  if (!existsSync(path)) return false;
  const { metadata } = readSafetensorsHeader(path);
  if (metadata[IDENTITY_KEY] === identity && metadata[FORMAT_KEY] === format.name) return true;
  throw new BitmendError(
    "checkpoint/other-identity",
    `quantizedModelWriter(): expected shards of these settings in ${directory}, got those of others.`,
    { hint: "Choose an empty directory, or delete this one." },
  );
}

function readShard({ file, parameters }: Shard, plan: Plan): Required<ShardContent> {
  const path = join(plan.directory, file);
  const { tensors } = readSafetensorsHeader(path);
  const layouts = readWeightLayouts(plan.config, path);
  const shapes = new Map(parameters.map((name) => [name, plan.shapes.get(name) ?? []]));
  const modules =
    layouts === null ? [] : findQuantizedModules(shapes, { ...layouts, tensors }).modules.values();
  const matrices = new Map([...modules].map((module) => [module.name, readMatrix(module)]));
  const others = parameters.filter((name) => !matrices.has(moduleOf(name)) || moduleOf(name) === name);
  const replacements = new Map(others.map((name) => [name, readFloat32(tensors.get(name)!)]));
  return { matrices, replacements };
}

function configOf(plan: PlannedContent): Record<string, unknown> {
  const { quantization_config: _, quantization: __, ...config } = plan.source.rawConfig;
  if (plan.schemes.size === 0) return config;
  const columnsOf = (module: string): number => plan.shapes.get(`${module}.weight`)?.[1] ?? 0;
  const schemes = [...plan.schemes].map(
    ([module, scheme]) => [module, { ...scheme, columns: columnsOf(module) }] as const,
  );
  return { ...config, ...plan.format.config(new Map(schemes), keptModules(plan)) };
}

function metadataOf({ identity, format }: Plan): Record<string, string> {
  return { ...FILE_METADATA, [IDENTITY_KEY]: identity, [FORMAT_KEY]: format.name };
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
function keptModules({ shapes, schemes }: PlannedContent): string[] {
  const modules = [...shapes.keys()].filter((name) => name.endsWith("_proj.weight")).map(moduleOf);
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
