import { join } from "node:path";
import { BitmendError } from "../util/errors.ts";
import { expectedTensors } from "./expected-tensors.ts";
import { readWeightLayouts } from "./formats/weight-formats.ts";
import { readJsonObject } from "./json-file.ts";
import { locateTensors } from "./locate-tensors.ts";
import { parseModelConfig, type ModelConfig } from "./model-config.ts";
import type { QuantizedMatrix } from "./quantized-matrix.ts";
import { readMatrix, type QuantizedModule } from "./quantized-module.ts";
import { complaintOf, findQuantizedModules, floatTypes, type FoundModules } from "./quantized-modules.ts";
import { readFloat32 } from "./read-float32.ts";
import type { TensorLocation } from "./safetensors.ts";
import { denseValues } from "./stored-weight.ts";

/** A model whose every parameter is known to be there, with the right shape; weights are read when asked for. */
export interface Checkpoint {
  /** Where its files are. */
  readonly directory: string;
  readonly config: ModelConfig;
  /** `config.json` as it is, for writing a changed copy. */
  readonly rawConfig: Readonly<Record<string, unknown>>;
  /** Every tensor of the files that lies there as it is used or as a part of a low-bit weight. */
  readonly tensors: ReadonlyMap<string, TensorLocation>;
  /** By module name; `null` for a checkpoint in full precision. */
  readonly quantization: ReadonlyMap<string, QuantizedModule> | null;
  /** Tensors in the files that the model does not use. */
  readonly unexpectedTensors: readonly string[];
  /** Reads a parameter, quantized or not, widened or rounded to float32. */
  readonly readFloat32: (name: string) => Float32Array;
  /** Reads a low-bit weight by module name, with the errors of `readMatrix()`. */
  readonly readQuantized: (module: string) => QuantizedMatrix;
}

/**
 * Opens a Hugging Face model directory (config.json, safetensors) in full precision or in any format of `formats/`.
 *
 * @throws {BitmendError} `checkpoint/unsupported-config`, `checkpoint/unsupported-quantization`, `checkpoint/missing-tensors`
 * (missing, misshapen or mistyped tensors and those that contradict the settings, all listed), and those of `locateTensors()`.
 */
export function openCheckpoint(directory: string): Checkpoint {
  const configPath = join(directory, "config.json");
  const rawConfig = readJsonObject(configPath);
  const config = parseModelConfig(rawConfig, configPath);
  const layouts = readWeightLayouts(rawConfig, configPath);
  const tensors = locateTensors(directory);
  const shapes = expectedTensors(config);
  const found: FoundModules =
    layouts === null
      ? { modules: new Map(), parameters: new Set(), parts: new Set(), offences: [] }
      : findQuantizedModules(shapes, { ...layouts, tensors });
  refuseBadTensors(directory, { shapes, tensors, found });
  return {
    directory,
    config,
    rawConfig,
    tensors,
    unexpectedTensors: [...tensors.keys()].filter((name) => !shapes.has(name) && !found.parts.has(name)),
    ...readers(tensors, layouts === null ? null : found.modules),
  };
}

/** How parameters are read, from their locations and the modules among them. */
export function readers(
  tensors: ReadonlyMap<string, TensorLocation>,
  quantization: ReadonlyMap<string, QuantizedModule> | null,
): Pick<Checkpoint, "quantization" | "readFloat32" | "readQuantized"> {
  return {
    quantization,
    readFloat32: (name) => {
      const module = quantization?.get(name.replace(/\.weight$/u, ""));
      if (module !== undefined && name.endsWith(".weight")) return denseValues(module.read());
      const tensor = tensors.get(name);
      if (tensor === undefined) throw unknownName(name, "a parameter of the checkpoint");
      return readFloat32(tensor);
    },
    readQuantized: (name) => {
      const module = quantization?.get(name);
      if (module === undefined) throw unknownName(name, "a quantized module of the checkpoint");
      return readMatrix(module);
    },
  };
}

function refuseBadTensors(
  directory: string,
  {
    shapes,
    tensors,
    found,
  }: {
    shapes: ReadonlyMap<string, readonly number[]>;
    tensors: ReadonlyMap<string, TensorLocation>;
    found: FoundModules;
  },
): void {
  const offences = [...found.offences];
  for (const [name, shape] of shapes) {
    if (found.parameters.has(name)) continue;
    const part = { shape, dataTypes: floatTypes };
    const complaint = complaintOf(name, { part, tensor: tensors.get(name) });
    if (complaint !== null) offences.push(complaint);
  }
  if (offences.length === 0) return;
  const more = offences.length > 20 ? `; and ${offences.length - 20} more` : "";
  throw new BitmendError(
    "checkpoint/missing-tensors",
    `openCheckpoint(): ${directory}: expected the tensors of its config.json, but ${offences.slice(0, 20).join("; ")}${more}.`,
    { hint: "The weights do not belong to this config.json; take both from the same model." },
  );
}

function unknownName(name: string, expected: string): BitmendError {
  return new BitmendError(
    "checkpoint/unknown-tensor",
    `openCheckpoint(): expected ${expected}, got "${name}".`,
  );
}
