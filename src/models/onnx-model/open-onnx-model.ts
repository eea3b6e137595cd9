/**
 * @file Reads models that `write-onnx-model.ts` wrote: weights by their names and metadata, bit for bit; the nodes are not looked at.
 *
 * Nothing of the files is trusted: message, sizes, offsets, types and settings are checked against each other and against config.json
 * before a weight is read.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readers, type Checkpoint } from "../../checkpoint/checkpoint.ts";
import { expectedTensors } from "../../checkpoint/expected-tensors.ts";
import { readJsonObject } from "../../checkpoint/json-file.ts";
import { INDEX_FILE, SINGLE_FILE } from "../../checkpoint/locate-tensors.ts";
import { parseModelConfig } from "../../checkpoint/model-config.ts";
import { complaintOf, floatTypes } from "../../checkpoint/quantized-modules.ts";
import type { TensorLocation } from "../../checkpoint/safetensors.ts";
import { readOnnxModel, type ExternalTensor } from "../../onnx/index.ts";
import { BitmendError } from "../../util/errors.ts";
import { fileSystemError } from "../../util/file-system-error.ts";
import { operatorParts } from "../linears/operator-layout.ts";
import { ROTARY_TABLES } from "./onnx-graph.ts";
import { onnxModule } from "./onnx-module.ts";
import { parseModules, type ModuleSettings } from "./parse-modules.ts";
import {
  DATA_FILE,
  FORMAT_VERSION,
  GRAPH_FILE,
  METADATA_KEYS,
  ONNX_FOLDER,
  TRANSFORMERS_JS_KEY,
} from "./write-onnx-model.ts";

/** Far more than a graph without weights takes. */
const MAX_GRAPH_BYTES = 16 * 2 ** 20;

/** Element types of weights, as graphs and as checkpoints name them. */
export const STORED_TYPES = [
  ["f32", "F32"],
  ["f16", "F16"],
  ["bf16", "BF16"],
  ["u8", "U8"],
] as const;
const storedTypes = new Map(STORED_TYPES);

/** Whether a directory holds an ONNX model and no safetensors. */
export function isOnnxDirectory(directory: string): boolean {
  return (
    existsSync(join(directory, ONNX_FOLDER, GRAPH_FILE)) &&
    ![SINGLE_FILE, INDEX_FILE].some((file) => existsSync(join(directory, file)))
  );
}

/**
 * Opens an ONNX directory that bitmend wrote.
 *
 * @throws {BitmendError} `models/foreign-onnx` for one of another program, `onnx/bad-message`, `models/bad-onnx` (files, settings, shapes and
 * config.json that contradict each other, all listed), those of `parseModelConfig()`, `files/...`.
 */
export function openOnnxModel(directory: string): Checkpoint {
  const configPath = join(directory, "config.json");
  const { [TRANSFORMERS_JS_KEY]: _settings, ...rawConfig } = readJsonObject(configPath);
  const config = parseModelConfig(rawConfig, configPath);
  const { settings, tensors } = readGraph(join(directory, ONNX_FOLDER));
  const shapes = expectedTensors(config);
  const offences: string[] = [];
  const used = new Set<string>();
  const modules = new Map(
    [...settings].flatMap(([module, setting]) => {
      const shape = shapes.get(`${module}.weight`);
      const found = onnxModule(module, { setting, shape, tensors });
      if ("offences" in found) offences.push(...found.offences);
      else for (const part of operatorParts(found.scheme)) used.add(`${module}.${part.name}`);
      return "offences" in found ? [] : [[module, found.module] as const];
    }),
  );
  for (const [name, shape] of shapes) {
    if (modules.has(name.replace(/\.weight$/u, "")) && !tensors.has(name)) continue;
    used.add(name);
    const complaint = complaintOf(name, {
      part: { shape, dataTypes: floatTypes },
      tensor: tensors.get(name),
    });
    if (complaint !== null) offences.push(complaint);
  }
  if (offences.length > 0) throw contradicting(directory, offences);
  return {
    directory,
    config,
    rawConfig,
    tensors,
    unexpectedTensors: [...tensors.keys()].filter((name) => !used.has(name)),
    ...readers(tensors, modules.size === 0 ? null : modules),
  };
}

/** What the graph says of the weights. */
function readGraph(folder: string): {
  settings: ReadonlyMap<string, ModuleSettings>;
  tensors: ReadonlyMap<string, TensorLocation>;
} {
  const path = join(folder, GRAPH_FILE);
  const { producer, metadata, externalTensors } = readOnnxModel(readGraphFile(path));
  const version = metadata.get(METADATA_KEYS.version);
  if (producer !== "bitmend" || version !== FORMAT_VERSION) {
    throw new BitmendError(
      "models/foreign-onnx",
      `openOnnxModel(): ${path}: expected a model that bitmend wrote (${METADATA_KEYS.version} ${FORMAT_VERSION}), got another.`,
      { hint: "Take the model in safetensors or GGUF; other programs' ONNX files are not read." },
    );
  }
  const settings = parseModules(metadata.get(METADATA_KEYS.modules) ?? "", path);
  const tensors = locate(externalTensors, join(folder, DATA_FILE));
  // They follow from config.json.
  for (const table of Object.values(ROTARY_TABLES)) tensors.delete(table);
  return { settings, tensors };
}

function readGraphFile(path: string): Uint8Array {
  try {
    const status = statSync(path);
    if (status.isFile() && status.size <= MAX_GRAPH_BYTES) return new Uint8Array(readFileSync(path));
    const got = status.isFile() ? `${status.size} bytes` : "something else";
    throw contradicting(path, [`it is not a file of at most ${MAX_GRAPH_BYTES} bytes but ${got}`]);
  } catch (error) {
    throw fileSystemError(error, "openOnnxModel()", path);
  }
}

/** Checks where the tensors lie against the data file. */
function locate(
  externalTensors: ReadonlyMap<string, ExternalTensor>,
  path: string,
): Map<string, TensorLocation> {
  const tensors = new Map<string, TensorLocation>();
  const offences: string[] = [];
  const fileBytes = sizeOf(path);
  for (const [name, { dataType, shape, location }] of externalTensors) {
    const { file, offset, length } = location;
    if (file !== DATA_FILE) offences.push(`${printable(name)} lies in "${printable(file)}"`);
    else if (offset + length > fileBytes)
      offences.push(`${printable(name)} ends at byte ${offset + length} of ${fileBytes}`);
    else tensors.set(name, { path, dataType: storedTypes.get(dataType)!, shape, offset, byteLength: length });
  }
  if (offences.length > 0) throw contradicting(path, offences);
  return tensors;
}

function sizeOf(path: string): number {
  try {
    const status = statSync(path);
    if (status.isFile()) return status.size;
  } catch (error) {
    throw fileSystemError(error, "openOnnxModel()", path);
  }
  throw contradicting(path, ["it is not a regular file"]);
}

function printable(text: string): string {
  return text.slice(0, 100).replaceAll(/\p{C}/gu, "?");
}

function contradicting(where: string, offences: readonly string[]): BitmendError {
  const more = offences.length > 20 ? `; and ${offences.length - 20} more` : "";
  return new BitmendError(
    "models/bad-onnx",
    `openOnnxModel(): ${where}: expected graph, data and config.json that agree, but ${offences.slice(0, 20).join("; ")}${more}.`,
    { hint: "The files do not belong together or are damaged; write them again." },
  );
}
