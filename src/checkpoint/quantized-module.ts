import { BitmendError } from "../util/errors.ts";
import type { QuantizationScheme } from "./formats/quantization-config.ts";
import type { QuantizedMatrix } from "./quantized-matrix.ts";
import type { StoredWeight } from "./stored-weight.ts";

/** One low-bit weight of a checkpoint: what the settings say of it, and how to read it. */
export interface QuantizedModule {
  /** Hugging Face module name: the parameter is `${name}.weight`. */
  readonly name: string;
  readonly scheme: QuantizationScheme;
  /** Output features. */
  readonly rows: number;
  /** Input features. */
  readonly columns: number;
  /** How it is stored, e.g. `compressed-tensors` or `gguf Q4_K`. */
  readonly format: string;
  /** Of all its parts in the files. */
  readonly bytes: number;
  /** Reads and unpacks it, each time anew. */
  readonly read: () => StoredWeight;
}

/**
 * Reads the matrix of a module.
 *
 * @throws {BitmendError} `checkpoint/no-matrix` where the file holds numbers that no `QuantizedMatrix` holds exactly.
 */
export function readMatrix(module: QuantizedModule): QuantizedMatrix {
  const weight = module.read();
  if (weight.kind === "quantized") return weight.matrix;
  throw new BitmendError(
    "checkpoint/no-matrix",
    `readMatrix(): expected codes with one scale a group of consecutive columns in ${module.name}, got other ${module.format} numbers.`,
    { hint: "They run in float32; quantize the original model if codes are needed." },
  );
}
