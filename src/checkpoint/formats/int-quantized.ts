/**
 * @file Weights of compressed-tensors `int-quantized`, one integer a byte: the form that says that activations are rounded (W8A8).
 *
 *     X.weight             I8 [out, in]             signed codes q = code - 2^(bits-1)
 *     X.weight_scale       F16 [out, in/groupSize]  one column when per channel
 *     X.weight_zero_point  I8 [out, in/groupSize]   asymmetric only, signed as the codes
 *
 * Source: {@link https://github.com/vllm-project/compressed-tensors} 0.20, `compressors/naive_quantized`.
 */
import { BitmendError } from "../../util/errors.ts";
import { float32ToFloat16 } from "../half-floats.ts";
import type { QuantizedMatrix } from "../quantized-matrix.ts";
import { readFloat32 } from "../read-float32.ts";
import { readTensorBytes, type TensorLocation, type TensorToWrite } from "../safetensors.ts";
import { storedWeight } from "../stored-weight.ts";
import type { QuantizationScheme } from "./quantization-config.ts";
import type { ExpectedPart, ModuleLayout } from "./weight-format.ts";

/** The tensors of one module. */
export function integerTensors(module: string, matrix: QuantizedMatrix): TensorToWrite[] {
  const { bits, rows, columns, groupSize, symmetric, codes, scales, zeroPoints } = matrix;
  const shape = [rows, columns / groupSize];
  const tensors: TensorToWrite[] = [
    { name: `${module}.weight`, dataType: "I8", shape: [rows, columns], data: signed(codes, bits) },
    {
      name: `${module}.weight_scale`,
      dataType: "F16",
      shape,
      data: new Uint8Array(float32ToFloat16(scales).buffer),
    },
  ];
  if (!symmetric)
    tensors.push({
      name: `${module}.weight_zero_point`,
      dataType: "I8",
      shape,
      data: signed(zeroPoints, bits),
    });
  return tensors;
}

/** How a module of `scheme` lies in the file; reads what {@link integerTensors} writes, bit for bit. */
export function intQuantized(scheme: QuantizationScheme): ModuleLayout {
  const { bits, symmetric } = scheme;
  return {
    scheme,
    parts: ({ rows, columns }) => {
      const shape = [rows, columns / (scheme.groupSize ?? columns)];
      const parts = new Map<string, ExpectedPart>([
        ["weight", { shape: [rows, columns], dataTypes: ["I8"] }],
        ["weight_scale", { shape, dataTypes: ["F16", "BF16", "F32"] }],
      ]);
      if (!symmetric) parts.set("weight_zero_point", { shape, dataTypes: ["I8"] });
      return parts;
    },
    read: (part, { module, rows, columns }) => {
      const groupSize = scheme.groupSize ?? columns;
      const zeroPoints = part("weight_zero_point");
      return storedWeight({
        bits,
        rows,
        columns,
        groupSize,
        symmetric,
        codes: readCodes(part("weight")!, { module, bits }),
        scales: readFloat32(part("weight_scale")!),
        zeroPoints:
          symmetric || zeroPoints === null
            ? new Uint8Array((rows * columns) / groupSize).fill(2 ** (bits - 1))
            : readCodes(zeroPoints, { module, bits }),
        ...(scheme.activations === undefined ? {} : { activations: scheme.activations }),
      });
    },
  };
}

function signed(codes: Uint8Array, bits: QuantizedMatrix["bits"]): Uint8Array {
  const offset = 2 ** (bits - 1);
  const values = new Int8Array(codes.length);
  for (let index = 0; index < codes.length; index++) values[index] = codes[index]! - offset;
  return new Uint8Array(values.buffer);
}

function readCodes(
  tensor: TensorLocation,
  { module, bits }: { module: string; bits: QuantizedMatrix["bits"] },
): Uint8Array {
  const offset = 2 ** (bits - 1);
  const values = new Int8Array(readTensorBytes(tensor).buffer);
  const codes = new Uint8Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const code = values[index]! + offset;
    if (code < 0 || code >= 2 * offset) throw wrongInteger(module, { bits, got: values[index]! });
    codes[index] = code;
  }
  return codes;
}

function wrongInteger(module: string, { bits, got }: { bits: number; got: number }): BitmendError {
  return new BitmendError(
    "checkpoint/bad-codes",
    `intQuantized(): expected integers of ${bits} bits in ${module}, as its settings say, got ${got}.`,
  );
}
