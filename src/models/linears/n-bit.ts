/** @file Low-bit linears that run as low-bit weights; `operator-layout.ts` says by which operators. */
import type { QuantizedMatrix } from "../../checkpoint/quantized-matrix.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { gemm } from "../../graph/operations.ts";
import { BitmendError } from "../../util/errors.ts";
import type { Linear } from "../decoder-parts.ts";
import type { LinearSite } from "../linear-sites.ts";
import { layoutProduct, operatorParts, packParts } from "./operator-layout.ts";

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
    const content = packParts(matrix);
    const parts = new Map(
      operatorParts(matrix).map(({ name, dataType, shape }) => [
        name,
        graph.constant(dataType, shape, content.get(name)!),
      ]),
    );
    return layoutProduct(input, matrix, { part: (name) => parts.get(name)!, accuracyLevel });
  };
  const [product] = graph.block({
    inputs: [input],
    compute: () => [multiplied()],
    backward: ([gradient]) => [gradient ? gemm(gradient, dequantized(input, matrix)) : null],
  });
  return product!;
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
