/**
 * @file Low-bit linears that run as low-bit weights: ONNX Runtime's `com.microsoft.MatMulNBits`.
 *
 * Its 4-bit kernel is the only fast one that computes in float32, so every width is brought to it without changing a number:
 *
 *     bits 2, 3, 4   codes and zero points fit a 4-bit container as they are
 *     bits 5, 6, 8   code = 16·h + l and zero point = 16·u + v, so (code - zero)·s = (h - u)·16s + (l - v)·s: two 4-bit products
 *
 * Matrices that want their input rounded (W8A8) go through `int8-activations.ts`; those of several groups a row come back here with the
 * rounded input, since sums of integers cannot cross groups.
 *
 * A group becomes blocks of a power of two: 32, 64 and 128 as they are, others by repeating the scale over smaller blocks. The last block
 * of a row may reach past its end; what is stored there meets no input.
 */
import type { QuantizedMatrix } from "../../checkpoint/quantized-matrix.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { add, gemm, multiply } from "../../graph/operations.ts";
import { BitmendError } from "../../util/errors.ts";
import type { Linear } from "../decoder-parts.ts";
import type { LinearSite } from "../linear-sites.ts";
import { packFourBits, type FourBitMatrix } from "./four-bit-matrix.ts";
import { integerProduct, roundActivations } from "./int8-activations.ts";

/** How activations enter the product. */
export interface NBitOptions {
  /**
   * 0 computes in float32; 4 rounds activations to 8-bit integers per block, about 3 times faster and off by up to 5e-3 in the logits.
   * Default: 0.
   */
  readonly accuracyLevel?: 0 | 4;
}

/** A linear over low-bit weights wherever `matrices` has one for the site, and `base` elsewhere. */
export function nBit(
  matrices: (site: LinearSite) => QuantizedMatrix | null,
  base: Linear,
  { accuracyLevel = 0 }: NBitOptions = {},
): Linear {
  return (input, site) => {
    const matrix = matrices(site);
    if (matrix === null) return base(input, site);
    refuseMisfit(matrix, site);
    return nBitProduct(input, matrix, { accuracyLevel });
  };
}

/**
 * `input` [tokens, columns] times the transpose of the matrix, [tokens, rows].
 *
 * Differentiable in `input` only: codes and scales are constants; rounding of the input passes gradients unchanged.
 */
export function nBitProduct(
  input: Tensor,
  matrix: QuantizedMatrix,
  { accuracyLevel = 0 }: NBitOptions = {},
): Tensor {
  const { graph } = input;
  const multiplied = (): Tensor => {
    if (matrix.activations === undefined) return floatProduct(input, matrix, accuracyLevel);
    const rounded = roundActivations(input);
    if (matrix.groupSize === matrix.columns) return integerProduct(rounded, matrix);
    return floatProduct(multiply(rounded.codes, rounded.scales), matrix, accuracyLevel);
  };
  const [product] = graph.block({
    inputs: [input],
    compute: () => [multiplied()],
    backward: ([gradient]) => [gradient ? gemm(gradient, dequantized(input, matrix)) : null],
  });
  return product!;
}

/** Activations in float32 times low-bit weights. */
function floatProduct(input: Tensor, matrix: QuantizedMatrix, accuracyLevel: 0 | 4): Tensor {
  if (matrix.bits <= 4) return fourBitProduct(input, packFourBits(matrix), accuracyLevel);
  const plane = (take: (code: number) => number, step: number): QuantizedMatrix => ({
    ...matrix,
    bits: 4,
    codes: matrix.codes.map(take),
    zeroPoints: matrix.zeroPoints.map(take),
    scales: matrix.scales.map((scale) => scale * step),
  });
  const high = plane((code) => Math.floor(code / 16), 16);
  const low = plane((code) => code % 16, 1);
  return add(
    fourBitProduct(input, packFourBits(high), accuracyLevel),
    fourBitProduct(input, packFourBits(low), accuracyLevel),
  );
}

function fourBitProduct(input: Tensor, packed: FourBitMatrix, accuracyLevel: 0 | 4): Tensor {
  const { graph } = input;
  const { rows, columns, blockSize, codes, scales, zeroPoints } = packed;
  const blocks = Math.ceil(columns / blockSize);
  return graph.emitOne(
    "MatMulNBits",
    [
      input,
      graph.constant("u8", [rows, blocks, blockSize / 2], codes),
      graph.constant("f32", [rows * blocks], scales),
      graph.constant("u8", [rows * Math.ceil(blocks / 2)], zeroPoints),
    ],
    { dataType: "f32", shape: [...input.shape.slice(0, -1), rows] },
    {
      domain: "com.microsoft",
      attributes: {
        K: { integer: columns },
        N: { integer: rows },
        bits: { integer: 4 },
        block_size: { integer: blockSize },
        accuracy_level: { integer: accuracyLevel },
      },
    },
  );
}

/** The full weight [rows, columns], for the gradient with respect to the input. */
function dequantized(
  { graph }: Tensor,
  { rows, columns, groupSize, codes, scales, zeroPoints }: QuantizedMatrix,
): Tensor {
  const groups = columns / groupSize;
  return graph.emitOne(
    "DequantizeLinear",
    [
      graph.constant("u8", [rows, columns], codes),
      graph.constant("f32", [rows, groups], scales),
      graph.constant("u8", [rows, groups], zeroPoints),
    ],
    { dataType: "f32", shape: [rows, columns] },
    { attributes: { axis: { integer: 1 }, block_size: { integer: groupSize } } },
  );
}

function refuseMisfit({ rows, columns }: QuantizedMatrix, site: LinearSite): void {
  if (rows === site.outFeatures && columns === site.inFeatures) return;
  throw new BitmendError(
    "models/shape",
    `nBit(): ${site.name}: expected a matrix [${site.outFeatures}, ${site.inFeatures}], got [${rows}, ${columns}].`,
  );
}
