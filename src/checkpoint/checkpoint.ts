import { join } from "node:path";
import { BitmendError } from "../util/errors.ts";
import { expectedTensors } from "./expected-tensors.ts";
import { packedShapes, readPackedMatrix, type QuantizedModule } from "./formats/compressed-tensors.ts";
import { parseQuantizationConfig, type SchemeOf } from "./formats/quantization-config.ts";
import { readJsonObject } from "./json-file.ts";
import { locateTensors } from "./locate-tensors.ts";
import { parseModelConfig, type ModelConfig } from "./model-config.ts";
import type { QuantizedMatrix } from "./quantized-matrix.ts";
import { readFloat32 } from "./read-float32.ts";
import { readTensorBytes, type TensorLocation } from "./safetensors.ts";

/** A model directory whose every tensor is known to be there, with the right shape; weights are read when asked for. */
export interface Checkpoint {
  readonly directory: string;
  readonly config: ModelConfig;
  /** `config.json` as it is, for writing a changed copy. */
  readonly rawConfig: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, TensorLocation>;
  /** By module name; `null` for a checkpoint in full precision. */
  readonly quantization: ReadonlyMap<string, QuantizedModule> | null;
  /** Tensors in the files that the model does not use. */
  readonly unexpectedTensors: readonly string[];
  /** Reads a float tensor, widened or rounded to float32. */
  readonly readFloat32: (name: string) => Float32Array;
  /** Reads a quantized linear layer by module name. */
  readonly readQuantized: (module: string) => QuantizedMatrix;
}

/**
 * Opens a Hugging Face model directory (config.json, safetensors).
 *
 * @throws {BitmendError} `checkpoint/unsupported-config`, `checkpoint/unsupported-quantization`, `checkpoint/missing-tensors`
 * (missing, misshapen or mistyped tensors, all listed), and those of `locateTensors()`.
 */
export function openCheckpoint(directory: string): Checkpoint {
  const configPath = join(directory, "config.json");
  const rawConfig = readJsonObject(configPath);
  const config = parseModelConfig(rawConfig, configPath);
  const schemeOf = parseQuantizationConfig(rawConfig["quantization_config"], configPath);
  const tensors = locateTensors(directory);
  const { shapes, modules } = expectedShapes(config, { schemeOf, tensors });
  refuseBadTensors(directory, { shapes, tensors });
  const quantization = schemeOf === null ? null : quantizedModules(directory, { modules, tensors });
  return {
    directory,
    config,
    rawConfig,
    tensors,
    quantization,
    unexpectedTensors: [...tensors.keys()].filter((name) => !shapes.has(name)),
    readFloat32: (name) => readFloat32(located(tensors, name)),
    readQuantized: (name) => {
      const module = quantization?.get(name);
      if (module === undefined) throw unknownName(name, "a quantized module of the checkpoint");
      return readPackedMatrix(module);
    },
  };
}

type ModuleShape = Pick<QuantizedModule, "rows" | "columns" | "scheme">;

/** Names and shapes the files must hold, quantized layers in their packed form. */
function expectedShapes(
  config: ModelConfig,
  { schemeOf, tensors }: { schemeOf: SchemeOf | null; tensors: ReadonlyMap<string, TensorLocation> },
): { shapes: Map<string, readonly number[]>; modules: Map<string, ModuleShape> } {
  const shapes = new Map<string, readonly number[]>();
  const modules = new Map<string, ModuleShape>();
  for (const [name, shape] of expectedTensors(config)) {
    const module = name.replace(/\.weight$/u, "");
    const scheme = isLinearWeight(name) ? (schemeOf?.(module) ?? null) : null;
    // transformers quantizes only what the files hold packed; a head named by class but stored dense stays dense.
    if (scheme === null || tensors.has(name)) {
      shapes.set(name, shape);
      continue;
    }
    const [rows, columns] = [shape[0]!, shape[1]!];
    refuseUnevenGroups(module, { columns, scheme });
    modules.set(module, { rows, columns, scheme });
    for (const [part, partShape] of packedShapes(module, { rows, columns, scheme }))
      shapes.set(part, partShape);
  }
  return { shapes, modules };
}

function isLinearWeight(name: string): boolean {
  return name === "lm_head.weight" || name.endsWith("_proj.weight");
}

function refuseUnevenGroups(
  module: string,
  { columns, scheme }: Pick<ModuleShape, "columns" | "scheme">,
): void {
  if (scheme.groupSize === null || columns % scheme.groupSize === 0) return;
  throw new BitmendError(
    "checkpoint/unsupported-quantization",
    `openCheckpoint(): expected a group size that divides the ${columns} input features of ${module}, got ${scheme.groupSize}.`,
  );
}

function refuseBadTensors(
  directory: string,
  {
    shapes,
    tensors,
  }: { shapes: ReadonlyMap<string, readonly number[]>; tensors: ReadonlyMap<string, TensorLocation> },
): void {
  const offences: string[] = [];
  for (const [name, shape] of shapes) {
    const tensor = tensors.get(name);
    if (tensor === undefined) offences.push(`${name} is missing`);
    else if (tensor.shape.join() !== shape.join()) {
      offences.push(`${name} has shape [${tensor.shape.join(", ")}] instead of [${shape.join(", ")}]`);
    } else if (!allowedTypes(name).includes(tensor.dataType)) {
      offences.push(`${name} is ${tensor.dataType} instead of ${allowedTypes(name).join(" or ")}`);
    }
  }
  if (offences.length === 0) return;
  const more = offences.length > 20 ? `; and ${offences.length - 20} more` : "";
  throw new BitmendError(
    "checkpoint/missing-tensors",
    `openCheckpoint(): ${directory}: expected the tensors of its config.json, but ${offences.slice(0, 20).join("; ")}${more}.`,
    { hint: "The weights do not belong to this config.json; take both from the same model." },
  );
}

function allowedTypes(name: string): readonly string[] {
  if (name.endsWith(".weight_packed") || name.endsWith(".weight_zero_point")) return ["I32"];
  return name.endsWith(".weight_shape") ? ["I64"] : ["F32", "F16", "BF16"];
}

function quantizedModules(
  directory: string,
  {
    modules,
    tensors,
  }: { modules: ReadonlyMap<string, ModuleShape>; tensors: ReadonlyMap<string, TensorLocation> },
): Map<string, QuantizedModule> {
  const quantized = new Map<string, QuantizedModule>();
  const offences: string[] = [];
  for (const [name, { rows, columns, scheme }] of modules) {
    const stored = new BigInt64Array(readTensorBytes(located(tensors, `${name}.weight_shape`)).buffer);
    if (stored[0] !== BigInt(rows) || stored[1] !== BigInt(columns)) {
      offences.push(`${name} says [${stored.join(", ")}] instead of [${rows}, ${columns}]`);
    }
    quantized.set(name, {
      name,
      scheme,
      rows,
      columns,
      packed: located(tensors, `${name}.weight_packed`),
      scale: located(tensors, `${name}.weight_scale`),
      zeroPoint: scheme.symmetric ? null : located(tensors, `${name}.weight_zero_point`),
    });
  }
  if (offences.length === 0) return quantized;
  throw new BitmendError(
    "checkpoint/missing-tensors",
    `openCheckpoint(): ${directory}: expected every weight_shape to agree with config.json, but ${offences.slice(0, 20).join("; ")}.`,
  );
}

function located(tensors: ReadonlyMap<string, TensorLocation>, name: string): TensorLocation {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw unknownName(name, "a tensor of the checkpoint");
  return tensor;
}

function unknownName(name: string, expected: string): BitmendError {
  return new BitmendError(
    "checkpoint/unknown-tensor",
    `openCheckpoint(): expected ${expected}, got "${name}".`,
  );
}
