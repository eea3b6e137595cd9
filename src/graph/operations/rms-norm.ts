import { formatShape, knownDimension, sameShape, shapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { add, multiply, requireSameType, reshape, subtract } from "./elementwise.ts";
import { reciprocal, sqrt } from "./functions.ts";
import { asMatrixShape, gemm } from "./matmul.ts";
import { reduceMean } from "./reduce.ts";

/** Settings of `rmsNorm()`. */
export interface RmsNormOptions {
  /** Added to the mean square. */
  readonly epsilon: number;
}

/** Root mean square normalization over the last axis, times `weight` [n] (https://arxiv.org/abs/1910.07467, eq. 4). */
export function rmsNorm(x: Tensor, weight: Tensor, { epsilon }: RmsNormOptions): Tensor {
  requireSameType([x, weight], "rmsNorm");
  const width = knownDimension(x.shape.at(-1), "rmsNorm");
  if (!sameShape(weight.shape, [width]))
    throw shapeError("rmsNorm", `a weight of [${width}]`, formatShape(weight.shape));
  if (x.graph.profile.rmsNorm === "elementary" || x.dataType !== "f32") {
    return multiply(multiply(x, inverseRootMeanSquare(x, epsilon)), weight);
  }
  const [y, inverse] = x.graph.emit(
    "SimplifiedLayerNormalization",
    [x, weight],
    [
      { dataType: "f32", shape: x.shape },
      { dataType: "f32", shape: [...x.shape.slice(0, -1), 1] },
    ],
    {
      attributes: { axis: { integer: -1 }, epsilon: { float: epsilon }, stash_type: { integer: 1 } },
      backward: ([gradient]) => {
        const isTrusted = x.graph.profile.rmsNorm === "fused";
        return rmsNormGradients(
          { x, weight, gradient: gradient! },
          isTrusted ? inverse! : inverseRootMeanSquare(x, epsilon),
        );
      },
    },
  );
  return y!;
}

function inverseRootMeanSquare(x: Tensor, epsilon: number): Tensor {
  const meanSquare = reduceMean(multiply(x, x), { axes: [-1], keepDims: true });
  return reciprocal(sqrt(add(meanSquare, epsilon)));
}

/**
 * With r the inverse root mean square of a row, y = x·r·w gives
 * dx = dy·w·r - x·r³·mean(dy·x·w) and dw = Σ over rows of dy·x·r; both sums are products of matrices.
 */
function rmsNormGradients(
  { x, weight, gradient }: { readonly x: Tensor; readonly weight: Tensor; readonly gradient: Tensor },
  inverse: Tensor,
): [Tensor, Tensor] {
  const [rows, width] = asMatrixShape(x.shape);
  const weighted = reshape(multiply(gradient, x), [rows!, width!]);
  const mean = gemm(weighted, reshape(weight, [width!, 1]), { alpha: 1 / Number(width) });
  const cube = multiply(inverse, multiply(inverse, inverse));
  const alongX = multiply(reshape(mean, inverse.shape), cube);
  const inputGradient = subtract(multiply(multiply(gradient, weight), inverse), multiply(x, alongX));
  const weightGradient = gemm(reshape(inverse, [rows!, 1]), weighted, { transposeA: true });
  return [inputGradient, reshape(weightGradient, weight.shape)];
}
