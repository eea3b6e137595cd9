/** @file What a GGUF file of a model holds, tensor by tensor, decided before anything is written. */
import type { Checkpoint } from "../../checkpoint.ts";
import { dequantize } from "../../dequantize.ts";
import { expectedTensors } from "../../expected-tensors.ts";
import type { ModelConfig } from "../../model-config.ts";
import type { QuantizedModule } from "../../quantized-module.ts";
import { readTensorBytes } from "../../safetensors.ts";
import type { TensorLocation } from "../../tensor-location.ts";
import { blocksOfMatrix, chooseType } from "./blocks-of-matrix.ts";
import { dequantizeBlocks } from "./dequantize-blocks.ts";
import { ropeDivisors } from "./rope-frequencies.ts";
import { ggufName, hasPairedRows, reorderRows, ROPE_FREQUENCIES } from "./tensor-names.ts";
import { tensorType, type TensorType } from "./tensor-types.ts";

/** Bytes of a tensor in pieces, so that a large one is never whole in memory. */
interface TensorContent {
  readonly pieces: () => Iterable<Uint8Array>;
  /** Squared differences of the weights relative to the squared weights. */
  readonly error: number;
}

export interface PlannedTensor {
  /** In the file. */
  readonly name: string;
  /** Hugging Face module. */
  readonly module: string;
  /** [rows, columns] or [elements]. */
  readonly shape: readonly number[];
  readonly type: TensorType;
  /** Why the type does not hold the numbers exactly; null when it does. */
  readonly inexact: string | null;
  readonly read: () => TensorContent;
}

/** Bytes copied at a time. */
const PIECE_BYTES = 16_777_216;

/** Every tensor of the file, in the order of the model. Reads each low-bit matrix once, to see which type holds it. */
export function planTensors(source: Checkpoint): PlannedTensor[] {
  const { config, quantization } = source;
  const planned = [...expectedTensors(config)].map(([parameter, shape]): PlannedTensor => {
    const module = quantization?.get(parameter.replace(/\.weight$/u, ""));
    if (module !== undefined && parameter.endsWith(".weight"))
      return planMatrix(module, { parameter, config });
    return planFloats(source, { parameter, shape });
  });
  return [...ropeFrequencies(config), ...planned];
}

function ropeFrequencies({ rope, headDimension }: ModelConfig): PlannedTensor[] {
  if (rope.type !== "llama3") return [];
  const divisors = ropeDivisors(rope, headDimension);
  return [
    {
      name: ROPE_FREQUENCIES,
      module: ROPE_FREQUENCIES,
      shape: [divisors.length],
      type: tensorType("F32"),
      inexact: null,
      read: () => exact([bytesOf(divisors)]),
    },
  ];
}

function planMatrix(
  module: QuantizedModule,
  { parameter, config }: { parameter: string; config: ModelConfig },
): PlannedTensor {
  const { name, rows, columns } = module;
  const weight = module.read();
  const order = rowOrder(parameter, { config, rows });
  const common = { name: ggufName(parameter), module: name, shape: [rows, columns] };
  if (weight.kind === "dense") {
    const read = (): TensorContent => {
      const again = module.read();
      return exact([order(bytesOf(again.kind === "dense" ? again.values : dequantize(again.matrix)))]);
    };
    return { ...common, type: tensorType("F32"), inexact: null, read };
  }
  const chosen = chooseType(weight.matrix);
  const read = (): TensorContent => {
    const again = module.read();
    if (again.kind === "dense") return exact([order(bytesOf(again.values))]);
    const blocks = blocksOfMatrix(again.matrix, chosen);
    const error =
      chosen.inexact === null
        ? 0
        : relativeError(dequantizeBlocks(chosen.type, blocks), dequantize(again.matrix));
    return { pieces: () => [order(blocks)], error };
  };
  return { ...common, ...chosen, read };
}

function relativeError(stored: Float32Array, wanted: Float32Array): number {
  let [squaredError, squares] = [0, 0];
  for (let index = 0; index < wanted.length; index++) {
    squaredError += (stored[index]! - wanted[index]!) ** 2;
    squares += wanted[index]! ** 2;
  }
  return squares === 0 ? 0 : squaredError / squares;
}

function planFloats(
  source: Checkpoint,
  { parameter, shape }: { parameter: string; shape: readonly number[] },
): PlannedTensor {
  const location = source.tensors.get(parameter);
  const { dataType } = location ?? {};
  const isKept = shape.length === 2 && (dataType === "F16" || dataType === "BF16");
  const order = rowOrder(parameter, { config: source.config, rows: shape[0]! });
  const isOrdered = hasPairedRows(parameter, source.config.modelType);
  return {
    name: ggufName(parameter),
    module: parameter.replace(/\.weight$/u, ""),
    shape,
    type: tensorType(isKept ? dataType : "F32"),
    inexact: null,
    read: () => {
      if (location !== undefined && shape.length === 2 && (isKept || dataType === "F32")) {
        return isOrdered
          ? exact([order(readTensorBytes(location))])
          : { pieces: () => piecesOf(location), error: 0 };
      }
      return exact([order(bytesOf(source.readFloat32(parameter)))]);
    },
  };
}

/** Brings the rows of a parameter into the order of the file. */
function rowOrder(
  parameter: string,
  { config, rows }: { config: ModelConfig; rows: number },
): (bytes: Uint8Array) => Uint8Array {
  if (!hasPairedRows(parameter, config.modelType)) return (bytes) => bytes;
  const { headDimension } = config;
  return (bytes) => reorderRows(bytes, { headDimension, rowBytes: bytes.length / rows, to: "pairs" });
}

function* piecesOf(location: TensorLocation): Generator<Uint8Array> {
  for (let start = 0; start < location.byteLength; start += PIECE_BYTES) {
    const byteLength = Math.min(PIECE_BYTES, location.byteLength - start);
    yield readTensorBytes({ ...location, offset: location.offset + start, byteLength });
  }
}

function exact(pieces: readonly Uint8Array[]): TensorContent {
  return { pieces: () => pieces, error: 0 };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
