import { statSync } from "node:fs";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { openModel } from "../models/open-model.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { elementCount } from "../engine/index.ts";
import type { VerbRun } from "./events.ts";
import { resolveModel } from "./resolve-model.ts";

/** One stored tensor, or one quantized linear (its packed parts together). */
export interface InspectedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Storage type as in the file, or `4-bit g64`. */
  readonly type: string;
  readonly bytes: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly standardDeviation: number;
  /** Fourth standardised moment: 3 for a normal distribution, large where single channels stand out. */
  readonly kurtosis: number;
  /** NaN and infinite values. */
  readonly notFinite: number;
}

/** What a checkpoint is. */
export interface Inspection {
  readonly directory: string;
  readonly modelType: string;
  readonly parameters: number;
  readonly bytes: number;
  /** Mean stored bits a parameter, scales and zero points included. */
  readonly bitsPerParameter: number;
  readonly quantized: boolean;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly vocabularySize: number;
  readonly unexpectedTensors: readonly string[];
  readonly tensors: readonly InspectedTensor[];
}

/**
 * Says what a checkpoint is, tensor by tensor, reading one tensor at a time.
 *
 * @yields Progress in tensors.
 * @throws {BitmendError} those of `resolveModel()` and `openModel()`.
 */
export async function* inspect(
  { directory }: { readonly directory: string },
  { signal }: { readonly signal?: AbortSignal } = {},
): VerbRun<Inspection> {
  const checkpoint = openModel(yield* resolveModel(directory, { signal }));
  const packedParts = new Map<string, string>();
  for (const module of checkpoint.quantization?.keys() ?? []) {
    for (const part of ["weight_packed", "weight_scale", "weight_zero_point", "weight_shape"])
      packedParts.set(`${module}.${part}`, module);
  }
  const plain = [...checkpoint.tensors.keys()].filter((name) => !packedParts.has(name));
  const modules = [...(checkpoint.quantization?.keys() ?? [])];
  yield { type: "stage", name: "Reading tensors", total: plain.length + modules.length, unit: "tensors" };
  const tensors: InspectedTensor[] = [];
  for (const name of plain) {
    signal?.throwIfAborted();
    tensors.push(inspectPlain(checkpoint, name));
    yield { type: "progress", done: tensors.length };
  }
  for (const module of modules) {
    signal?.throwIfAborted();
    tensors.push(inspectQuantized(checkpoint, module));
    yield { type: "progress", done: tensors.length };
  }
  yield { type: "stage-done", result: "" };
  return summary(checkpoint, tensors);
}

function inspectPlain(checkpoint: Checkpoint, name: string): InspectedTensor {
  const location = checkpoint.tensors.get(name)!;
  const { shape, dataType: type, byteLength: bytes } = location;
  const isFloat = ["F32", "F16", "BF16"].includes(type);
  const values = isFloat ? checkpoint.readFloat32(name) : new Float32Array();
  return { name, shape, type, bytes, ...moments(values) };
}

function inspectQuantized(checkpoint: Checkpoint, module: string): InspectedTensor {
  const matrix = checkpoint.readQuantized(module);
  const bytes = [...checkpoint.tensors]
    .filter(([name]) => name.startsWith(`${module}.weight_`))
    .reduce((sum, [, { byteLength }]) => sum + byteLength, 0);
  const group = matrix.groupSize === matrix.columns ? "channel" : `g${matrix.groupSize}`;
  const type = `${matrix.bits}-bit ${group} ${matrix.symmetric ? "sym" : "asym"}`;
  const shape = [matrix.rows, matrix.columns];
  return { name: module, shape, type, bytes, ...moments(dequantized(matrix)) };
}

function dequantized({ codes, scales, zeroPoints, groupSize }: QuantizedMatrix): Float32Array {
  const values = new Float32Array(codes.length);
  for (let index = 0; index < values.length; index++) {
    const group = Math.floor(index / groupSize);
    values[index] = (codes[index]! - zeroPoints[group]!) * scales[group]!;
  }
  return values;
}

type Moments = Pick<InspectedTensor, "minimum" | "maximum" | "standardDeviation" | "kurtosis" | "notFinite">;

function moments(values: Float32Array): Moments {
  let [minimum, maximum, sum, notFinite] = [Infinity, -Infinity, 0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) {
      notFinite++;
      continue;
    }
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
    sum += value;
  }
  const n = values.length - notFinite;
  if (n === 0) return { minimum: 0, maximum: 0, standardDeviation: 0, kurtosis: 0, notFinite };
  const mean = sum / n;
  let [second, fourth] = [0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    const square = (value - mean) ** 2;
    second += square;
    fourth += square * square;
  }
  const variance = second / n;
  const kurtosis = variance === 0 ? 0 : fourth / n / variance ** 2;
  return { minimum, maximum, standardDeviation: Math.sqrt(variance), kurtosis, notFinite };
}

function summary(checkpoint: Checkpoint, tensors: readonly InspectedTensor[]): Inspection {
  const { config, directory, quantization, unexpectedTensors } = checkpoint;
  const parameters = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const stored = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const files = new Set([...checkpoint.tensors.values()].map(({ path }) => path));
  return {
    directory,
    modelType: config.modelType,
    parameters,
    bytes: [...files].reduce((sum, path) => sum + statSync(path).size, 0),
    bitsPerParameter: (8 * stored) / parameters,
    quantized: quantization !== null,
    layers: config.layerCount,
    hiddenSize: config.hiddenSize,
    heads: config.headCount,
    keyValueHeads: config.keyValueHeadCount,
    vocabularySize: config.vocabularySize,
    unexpectedTensors,
    tensors,
  };
}
