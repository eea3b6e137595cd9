import { statSync } from "node:fs";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { expectedTensors } from "../checkpoint/expected-tensors.ts";
import { ggufName } from "../checkpoint/formats/gguf/tensor-names.ts";
import { readFloat32 } from "../checkpoint/read-float32.ts";
import { openModel } from "../models/open-model.ts";
import type { QuantizedModule } from "../checkpoint/quantized-module.ts";
import { elementCount } from "../engine/index.ts";
import type { VerbRun } from "./events.ts";
import { resolveModel } from "./resolve-model.ts";

/** One stored tensor, or one quantized linear (its packed parts together). */
export interface InspectedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Storage type as in the file, e.g. `BF16` or `Q4_K`, or `4-bit g64 sym`. */
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
  /** What was opened: a directory, or a GGUF file. */
  readonly directory: string;
  readonly modelType: string;
  readonly parameters: number;
  readonly bytes: number;
  /** Mean stored bits a parameter, scales and zero points included. */
  readonly bitsPerParameter: number;
  readonly quantized: boolean;
  /** How its low-bit weights are stored, e.g. `gptq`; null in full precision. */
  readonly format: string | null;
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
  const path = yield* resolveModel(directory, { signal });
  const checkpoint = openModel(path);
  const shapes = expectedTensors(checkpoint.config);
  const others = checkpoint.unexpectedTensors.filter((name) => checkpoint.tensors.has(name));
  const names = [...shapes.keys(), ...others];
  yield { type: "stage", name: "Reading tensors", total: names.length, unit: "tensors" };
  const tensors: InspectedTensor[] = [];
  for (const name of names) {
    signal?.throwIfAborted();
    const module = name.endsWith(".weight") ? checkpoint.quantization?.get(name.slice(0, -7)) : undefined;
    tensors.push(
      module === undefined
        ? inspectPlain(checkpoint, { name, shape: shapes.get(name) })
        : inspectQuantized(checkpoint, module),
    );
    yield { type: "progress", done: tensors.length };
  }
  yield { type: "stage-done", result: "" };
  return summary(checkpoint, { path, tensors });
}

function inspectPlain(
  checkpoint: Checkpoint,
  { name, shape }: { name: string; shape: readonly number[] | undefined },
): InspectedTensor {
  // A GGUF file has some floats under its own name, with their rows in another order.
  const location = checkpoint.tensors.get(name) ?? checkpoint.tensors.get(ggufName(name));
  const type = location?.dataType ?? "F32";
  const isFloat = ["F32", "F16", "BF16"].includes(type);
  const values =
    location === undefined
      ? checkpoint.readFloat32(name)
      : isFloat
        ? readFloat32(location)
        : new Float32Array();
  const bytes = location?.byteLength ?? values.byteLength;
  return { name, shape: shape ?? location?.shape ?? [], type, bytes, ...moments(values) };
}

function inspectQuantized(checkpoint: Checkpoint, module: QuantizedModule): InspectedTensor {
  const { name, scheme, rows, columns, format, bytes } = module;
  const group =
    scheme.groupSize === null || scheme.groupSize === columns ? "channel" : `g${scheme.groupSize}`;
  const type = format.startsWith("gguf ")
    ? format.slice("gguf ".length)
    : `${scheme.bits}-bit ${group} ${scheme.symmetric ? "sym" : "asym"}${scheme.activations === undefined ? "" : " A8"}`;
  return { name, shape: [rows, columns], type, bytes, ...moments(checkpoint.readFloat32(`${name}.weight`)) };
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

function summary(
  checkpoint: Checkpoint,
  { path, tensors }: { path: string; tensors: readonly InspectedTensor[] },
): Inspection {
  const { config, quantization, unexpectedTensors } = checkpoint;
  const parameters = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const stored = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const files = new Set([...checkpoint.tensors.values()].map((tensor) => tensor.path));
  return {
    directory: path,
    modelType: config.modelType,
    parameters,
    bytes: [...files].reduce((sum, file) => sum + statSync(file).size, 0),
    bitsPerParameter: (8 * stored) / parameters,
    quantized: quantization !== null,
    format: formatOf(quantization),
    layers: config.layerCount,
    hiddenSize: config.hiddenSize,
    heads: config.headCount,
    keyValueHeads: config.keyValueHeadCount,
    vocabularySize: config.vocabularySize,
    unexpectedTensors,
    tensors,
  };
}

/** `gguf Q4_K` and `gguf Q6_K` are one format. */
function formatOf(quantization: Checkpoint["quantization"]): string | null {
  if (quantization === null) return null;
  const names = [...quantization.values()].map(({ format }) => format.split(" ")[0]!);
  return [...new Set(names)].join(", ");
}
