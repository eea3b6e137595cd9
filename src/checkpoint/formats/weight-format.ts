/**
 * @file What a way of storing low-bit weights in safetensors has to offer: one file per format beside this one, all over the one form in memory,
 * `QuantizedMatrix`.
 */
import type { QuantizedMatrix } from "../quantized-matrix.ts";
import type { TensorToWrite } from "../safetensors.ts";
import type { StoredWeight } from "../stored-weight.ts";
import type { TensorLocation } from "../tensor-location.ts";
import type { QuantizationScheme } from "./quantization-config.ts";

/** Formats whose weights lie in safetensors beside a config.json. */
export type WeightFormatName = "compressed-tensors" | "gptq" | "awq" | "mlx";

/** The shape of a linear layer's weight, or of an embedding table. */
export interface WeightShape {
  /** Output features. */
  readonly rows: number;
  /** Input features. */
  readonly columns: number;
}

/** What one tensor of a stored module must be. */
export interface ExpectedPart {
  readonly shape: readonly number[];
  /** A shape that other writers give it; `read` tells them apart by the tensor itself. */
  readonly otherShape?: readonly number[];
  /** Safetensors names, e.g. `["I32"]`. */
  readonly dataTypes: readonly string[];
  /** Default: true. */
  readonly required?: boolean;
}

/** Gives the location of a part that was checked; null for an optional one that is absent. */
export type PartOf = (suffix: string) => TensorLocation | null;

/** How one module is stored. */
export interface ModuleLayout {
  readonly scheme: QuantizationScheme;
  /** The module's tensors by their suffix, e.g. `weight_packed`, for a weight of this shape. */
  readonly parts: (shape: WeightShape) => ReadonlyMap<string, ExpectedPart>;
  /** Reads what is small and says, with both values, how it contradicts the settings; null when it does not. Default: never. */
  readonly contradiction?: (part: PartOf, shape: WeightShape) => string | null;
  /** Reads and unpacks. */
  readonly read: (part: PartOf, shape: WeightShape & { readonly module: string }) => StoredWeight;
}

/** Finds how a module is stored; null for one that stays as it is. */
export type LayoutOf = (module: string) => ModuleLayout | null;

/** Reads one format. */
export interface WeightFormatReader {
  readonly name: WeightFormatName;
  /**
   * Reads the settings of `config.json`; null when they are not this format's.
   *
   * @throws {BitmendError} `checkpoint/unsupported-quantization` names every key that is not supported.
   */
  readonly layouts: (rawConfig: Readonly<Record<string, unknown>>, where: string) => LayoutOf | null;
}

/** The scheme of a module, with the width that a group of a whole row has. */
export interface ModuleScheme extends QuantizationScheme {
  /** Input features. */
  readonly columns: number;
}

/** Writes one format. */
export interface WeightFormatWriter {
  readonly name: WeightFormatName;
  /** Why the format cannot hold these numbers exactly, in words that end an error message; null when it can. */
  readonly inexact: (matrix: QuantizedMatrix) => string | null;
  /** The tensors of one module; of what is inexact the nearest that the format holds. Null when it holds nothing like it (a width it lacks). */
  readonly tensors: (module: string, matrix: QuantizedMatrix) => TensorToWrite[] | null;
  /**
   * Keys that are added to config.json. `kept` are the linear modules that stay as they are.
   *
   * @throws {BitmendError} `checkpoint/mixed-schemes`, `checkpoint/unwritable-module` for what the format does not hold together.
   */
  readonly config: (
    schemes: ReadonlyMap<string, ModuleScheme>,
    kept: readonly string[],
  ) => Record<string, unknown>;
}
