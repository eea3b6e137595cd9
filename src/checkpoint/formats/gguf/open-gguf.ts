/** @file A GGUF file as a checkpoint: names, shapes and row order are those of the Hugging Face model that it was made of. */
import { dirname } from "node:path";
import { BitmendError } from "../../../util/errors.ts";
import type { Checkpoint } from "../../checkpoint.ts";
import { expectedTensors } from "../../expected-tensors.ts";
import { parseModelConfig, type ModelConfig } from "../../model-config.ts";
import { readMatrix, type QuantizedModule } from "../../quantized-module.ts";
import { readTensorBytes } from "../../safetensors.ts";
import type { TensorLocation } from "../../tensor-location.ts";
import { configOfMetadata } from "./config-of-metadata.ts";
import { dequantizeBlocks } from "./dequantize-blocks.ts";
import { readGgufHeader, type GgufHeader, type GgufTensor } from "./header.ts";
import { schemeOf, weightOfBlocks } from "./matrix-of-blocks.ts";
import { ggufName, hasPairedRows, reorderRows, ROPE_FREQUENCIES } from "./tensor-names.ts";

/**
 * Opens a GGUF file of a llama, qwen2 or qwen3 model. Types with one scale a block are low-bit modules, K-quants are modules that are read as
 * numbers, and floats stay where they are in the file.
 *
 * @throws {BitmendError} `checkpoint/bad-gguf`, `checkpoint/unsupported-gguf`, `checkpoint/unsupported-config`, `checkpoint/missing-tensors`,
 * or `files/...`.
 */
export function openGguf(path: string): Checkpoint {
  const header = readGgufHeader(path);
  const rawConfig = configOfMetadata(header, { ropeFrequencies: ropeFrequencies(header) });
  const config = parseModelConfig(rawConfig, path);
  const parameters = locateParameters(header, config);
  const modules = quantizedModules(path, { parameters, config });
  return {
    directory: dirname(path),
    config,
    rawConfig,
    tensors: locations(path, { parameters, config }),
    quantization: modules.size === 0 ? null : modules,
    unexpectedTensors: unexpectedTensors(header, parameters),
    readFloat32: (name) => {
      const tensor = parameters.get(name);
      if (tensor === undefined) throw unknownName(name, "a parameter");
      return dequantizeBlocks(tensor.type, readRows(path, { name, tensor, config }));
    },
    readQuantized: (name) => {
      const module = modules.get(name);
      if (module === undefined) throw unknownName(name, "a quantized module");
      return readMatrix(module);
    },
  };
}

function ropeFrequencies({ path, tensors }: GgufHeader): Float32Array | null {
  const tensor = tensors.get(ROPE_FREQUENCIES);
  return tensor === undefined ? null : dequantizeBlocks(tensor.type, readTensorBytes(location(path, tensor)));
}

/** By Hugging Face name. */
function locateParameters({ path, tensors }: GgufHeader, config: ModelConfig): Map<string, GgufTensor> {
  const parameters = new Map<string, GgufTensor>();
  const offences: string[] = [];
  for (const [name, shape] of expectedTensors(config)) {
    const tensor = tensors.get(ggufName(name));
    if (tensor === undefined) offences.push(`${ggufName(name)} is missing`);
    else if (tensor.shape.join() !== shape.join()) {
      offences.push(
        `${ggufName(name)} has shape [${tensor.shape.join(", ")}] instead of [${shape.join(", ")}]`,
      );
    } else parameters.set(name, tensor);
  }
  if (offences.length === 0) return parameters;
  const more = offences.length > 20 ? `; and ${offences.length - 20} more` : "";
  throw new BitmendError(
    "checkpoint/missing-tensors",
    `openGguf(): ${path}: expected the tensors of its metadata, but ${offences.slice(0, 20).join("; ")}${more}.`,
    { hint: "The file is not a whole model of its architecture." },
  );
}

function unexpectedTensors({ tensors }: GgufHeader, parameters: ReadonlyMap<string, GgufTensor>): string[] {
  const used = new Set([...parameters.values()].map(({ name }) => name));
  return [...tensors.keys()].filter((name) => !used.has(name) && name !== ROPE_FREQUENCIES);
}

interface Parameters {
  readonly parameters: ReadonlyMap<string, GgufTensor>;
  readonly config: ModelConfig;
}

/** By Hugging Face name floats that lie in the order of the model; by the name in the file blocks, and floats whose rows are reordered. */
function locations(path: string, { parameters, config }: Parameters): Map<string, TensorLocation> {
  return new Map(
    [...parameters].map(([name, tensor]): [string, TensorLocation] => {
      const { name: dataType } = tensor.type;
      const isFloat = dataType === "F32" || dataType === "F16" || dataType === "BF16";
      if (!isFloat) return [tensor.name, location(path, tensor)];
      const floats = { ...location(path, tensor), dataType, shape: tensor.shape };
      return [hasPairedRows(name, config.modelType) ? tensor.name : name, floats];
    }),
  );
}

function quantizedModules(path: string, { parameters, config }: Parameters): Map<string, QuantizedModule> {
  const modules = new Map<string, QuantizedModule>();
  for (const [parameter, tensor] of parameters) {
    const scheme = schemeOf(tensor.type);
    const [rows, columns] = tensor.shape;
    if (scheme === null || rows === undefined || columns === undefined) continue;
    const name = parameter.replace(/\.weight$/u, "");
    const read: QuantizedModule["read"] = () =>
      weightOfBlocks(tensor.type, readRows(path, { name: parameter, tensor, config }), { rows, columns });
    const format = `gguf ${tensor.type.name}`;
    modules.set(name, { name, scheme, rows, columns, format, bytes: tensor.byteLength, read });
  }
  return modules;
}

/** The bytes of a parameter, its rows in the order of the model. */
function readRows(
  path: string,
  { name, tensor, config }: { name: string; tensor: GgufTensor; config: ModelConfig },
): Uint8Array<ArrayBuffer> {
  const bytes = readTensorBytes(location(path, tensor));
  if (!hasPairedRows(name, config.modelType)) return bytes;
  const rowBytes = bytes.length / tensor.shape[0]!;
  return reorderRows(bytes, { headDimension: config.headDimension, rowBytes, to: "halves" });
}

function location(path: string, { offset, byteLength }: GgufTensor): TensorLocation {
  return { path, dataType: "U8", shape: [byteLength], offset, byteLength };
}

function unknownName(name: string, expected: string): BitmendError {
  return new BitmendError(
    "checkpoint/unknown-tensor",
    `openGguf(): expected ${expected} of the file, got "${name}".`,
  );
}
