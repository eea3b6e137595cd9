/**
 * @file Writes a model as ONNX, in the layout of Hugging Face's Optimum and of transformers.js:
 *
 *     config.json, generation_config.json, tokenizer files     as in the source, without its settings of low-bit weights
 *     onnx/model.onnx                                          the graph, with what `open-onnx-model.ts` needs as metadata
 *     onnx/model.onnx_data                                     all weights, as external data
 *
 * The graph is the decoder that bitmend runs. Low-bit weights are `MatMulNBits` with `bits` 4 whatever their width, since that kernel
 * is the one that computes fast in float32: 2- and 3-bit codes lie in 4-bit containers, and 5, 6 and 8 bits are sums of two products.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import type { ModelConfig } from "../../checkpoint/model-config.ts";
import {
  copyCompanions,
  makeDirectory,
  writeConfig,
  writeOrExplain,
} from "../../checkpoint/model-directory.ts";
import { ropeTables } from "../../checkpoint/rope.ts";
import { BitmendError } from "../../util/errors.ts";
import type { MatrixScheme } from "../linears/operator-layout.ts";
import { DataFile } from "./data-file.ts";
import { buildOnnxGraph, ROTARY_TABLES } from "./onnx-graph.ts";
import { refuseUnsupported, storeWeights, type OnnxModelEvent } from "./store-weights.ts";
import type { StoredTensor } from "./stored-weights.ts";

/** Which model goes where. */
export interface OnnxModelOptions {
  readonly source: Checkpoint;
  readonly directory: string;
  readonly signal?: AbortSignal;
}

/** Paths inside the directory. */
export const ONNX_FOLDER = "onnx";
export const GRAPH_FILE = "model.onnx";
export const DATA_FILE = "model.onnx_data";

/** Where config.json has the settings of transformers.js. */
export const TRANSFORMERS_JS_KEY = "transformers.js_config";

/** Keys of the graph's metadata. */
export const METADATA_KEYS = { version: "bitmend.version", modules: "bitmend.modules" } as const;
export const FORMAT_VERSION = "1";

/**
 * Writes the directory; every number of the source stays what it is.
 *
 * @throws {BitmendError} `models/unsupported-group-size` lists the modules that no operator runs; `models/same-directory`; `files/...` when it cannot be written,
 * and then no unfinished file is left.
 * @yields after each parameter.
 */
export async function* writeOnnxModel({
  source,
  directory,
  signal,
}: OnnxModelOptions): AsyncGenerator<OnnxModelEvent, void, void> {
  refuseUnsupported(source);
  refuseOverwriting(source, directory);
  const folder = join(directory, ONNX_FOLDER);
  makeDirectory(folder);
  using file = new DataFile(join(folder, DATA_FILE));
  const stored = yield* storeWeights(source, file, signal);
  const weights = {
    ...stored,
    tensors: new Map([...stored.tensors, ...storeRotaryTables(source.config, file)]),
  };
  file.finish();
  const metadata = {
    [METADATA_KEYS.version]: FORMAT_VERSION,
    [METADATA_KEYS.modules]: JSON.stringify(Object.fromEntries([...weights.schemes].map(describeScheme))),
  };
  writeOrExplain(join(folder, GRAPH_FILE), buildOnnxGraph(source.config, weights, metadata));
  if (existsSync(source.directory)) copyCompanions(source.directory, directory);
  writeConfig(directory, onnxConfig(source.rawConfig));
}

/**
 * How many positions the rotary tables of a file cover: all that the model was made for.
 *
 * Dynamic scaling changes its frequencies with the length; a file has one table, that of lengths within the original context.
 */
function tablePositions({ rope, maxPositions }: ModelConfig): number {
  return rope.type === "dynamic" ? Math.min(rope.originalMaxPositions, maxPositions) : maxPositions;
}

/** Stores the rotary tables. */
function storeRotaryTables(config: ModelConfig, file: DataFile): [string, StoredTensor][] {
  const { rope, headDimension } = config;
  const positions = tablePositions(config);
  const tables = ropeTables(rope, { headDimension, positions });
  return (["cos", "sin"] as const).map((table) => [
    ROTARY_TABLES[table],
    { dataType: "f32", shape: [positions, headDimension / 2], location: file.append(tables[table]) },
  ]);
}

function refuseOverwriting(source: Checkpoint, directory: string): void {
  if (resolve(directory) !== resolve(source.directory)) return;
  throw new BitmendError(
    "models/same-directory",
    `writeOnnxModel(): expected another directory than the source's, got ${directory}.`,
    { hint: "Its config.json would be replaced." },
  );
}

function describeScheme([module, scheme]: readonly [string, MatrixScheme]): readonly [string, unknown] {
  const { bits, groupSize, symmetric, activations } = scheme;
  return [
    module,
    { bits, group_size: groupSize, symmetric, ...(activations === undefined ? {} : { activations }) },
  ];
}

/** The source's config.json without what it says of its files, and with what transformers.js asks of ours. */
function onnxConfig(rawConfig: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { quantization_config: _settings, quantization: _mlxSettings, ...config } = rawConfig;
  return { ...config, [TRANSFORMERS_JS_KEY]: { use_external_data_format: true, dtype: "fp32" } };
}
