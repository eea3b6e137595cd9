import type { QuantizedMatrix } from "../../checkpoint/quantized-matrix.ts";
import type { QuantizedModule } from "../../checkpoint/quantized-module.ts";
import { complaintOf } from "../../checkpoint/quantized-modules.ts";
import { readTensorBytes, type TensorLocation } from "../../checkpoint/safetensors.ts";
import { storedWeight } from "../../checkpoint/stored-weight.ts";
import { BitmendError } from "../../util/errors.ts";
import { operatorParts, unpackParts, type MatrixScheme } from "../linears/operator-layout.ts";
import type { ModuleSettings } from "./parse-modules.ts";

/** What the files say of one low-bit weight. */
interface FoundModule {
  readonly setting: ModuleSettings;
  /** [rows, columns] by config.json; undefined for a module that the model does not have. */
  readonly shape: readonly number[] | undefined;
  readonly tensors: ReadonlyMap<string, TensorLocation>;
}

type Checked =
  | { readonly module: QuantizedModule; readonly scheme: MatrixScheme }
  | { readonly offences: readonly string[] };

/** A low-bit weight whose every part is in the data file with the right shape and type, or why there is none. */
export function onnxModule(name: string, { setting, shape, tensors }: FoundModule): Checked {
  const [rows, columns] = shape ?? [];
  const shown = name.slice(0, 100).replaceAll(/\p{C}/gu, "?");
  if (rows === undefined || columns === undefined)
    return { offences: [`${shown} is no matrix of the model`] };
  if (columns % setting.groupSize !== 0)
    return {
      offences: [
        `${shown} has ${columns} input features, which groups of ${setting.groupSize} do not divide`,
      ],
    };
  const scheme: MatrixScheme = { ...setting, rows, columns };
  let parts: ReturnType<typeof operatorParts>;
  try {
    parts = operatorParts(scheme);
  } catch (error) {
    if (error instanceof BitmendError) return { offences: [`${shown}: ${error.message}`] };
    throw error;
  }
  const offences = parts.flatMap(({ name: part, dataType, shape: partShape }) => {
    const expected = { shape: partShape, dataTypes: [dataType === "u8" ? "U8" : "F32"] };
    return complaintOf(`${name}.${part}`, { part: expected, tensor: tensors.get(`${name}.${part}`) }) ?? [];
  });
  if (offences.length > 0) return { offences };
  const { bits, groupSize, symmetric, activations } = setting;
  const located = (part: string): TensorLocation => tensors.get(`${name}.${part}`)!;
  return {
    scheme,
    module: {
      name,
      rows,
      columns,
      scheme: {
        bits,
        symmetric,
        groupSize: groupSize === columns ? null : groupSize,
        ...(activations === undefined ? {} : { activations }),
      },
      format: "onnx",
      bytes: parts.reduce((sum, part) => sum + located(part.name).byteLength, 0),
      read: () => storedWeight(readMatrixParts(scheme, { name, located })),
    },
  };
}

function readMatrixParts(
  scheme: MatrixScheme,
  { name, located }: { readonly name: string; readonly located: (part: string) => TensorLocation },
): QuantizedMatrix {
  const matrix = unpackParts(scheme, (part) => {
    const location = located(part);
    const bytes = readTensorBytes(location);
    return location.dataType === "F32" ? new Float32Array(bytes.buffer) : bytes;
  });
  const middle = 2 ** (scheme.bits - 1);
  if (!scheme.symmetric || matrix.zeroPoints.every((zeroPoint) => zeroPoint === middle)) return matrix;
  throw new BitmendError(
    "models/bad-parts",
    `openOnnxModel(): ${name}: expected zero points of ${middle} in a symmetric weight, got others.`,
    { hint: "The file is damaged; write it again." },
  );
}
