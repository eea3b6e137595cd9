/** @file Matrix products. Weights stay [out, in], as checkpoints store them: transposition is free, a Transpose node is not. */
import { formatShape, product, sameShape, shapeError, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { multiply, reduceSum, requireSameType } from "./elementwise.ts";
import { transpose } from "./layout.ts";

/** Which operands are taken transposed, and what the product is multiplied by. */
export interface MatmulOptions {
  /** Default: false. */
  readonly transposeA?: boolean;
  /** Default: false. */
  readonly transposeB?: boolean;
  /** Default: 1. */
  readonly alpha?: number;
}

/** Options of `gemm()`. */
export interface GemmOptions extends MatmulOptions {
  /** [columns], added to every row. */
  readonly bias?: Tensor | null;
}

/** alpha · a · b + bias of two matrices. */
export function gemm(a: Tensor, b: Tensor, options: GemmOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1, bias = null } = options;
  if (a.dataType === "f64" && alpha !== 1) return scaledInFloat64(a, b, options);
  const shape = productShape(a, b, { operation: "gemm", rank: 2, transposeA, transposeB });
  if (bias !== null && !sameShape(bias.shape, shape.slice(1))) {
    throw shapeError("gemm", `a bias of ${formatShape(shape.slice(1))}`, formatShape(bias.shape));
  }
  const operands = bias === null ? [a, b] : [a, b, bias];
  requireSameType(operands, "gemm");
  return a.graph.emitOne(
    "Gemm",
    operands,
    { dataType: a.dataType, shape },
    {
      attributes: {
        transA: { integer: transposeA ? 1 : 0 },
        transB: { integer: transposeB ? 1 : 0 },
        alpha: { float: alpha },
      },
      backward: ([gradient]) => [
        ...productGradients(
          { a, b, gradient: gradient!, multiplyMatrices: gemm },
          { transposeA, transposeB, alpha },
        ),
        ...(bias === null ? [] : [reduceSum(gradient!, { axes: [0] })]),
      ],
    },
  );
}

/** alpha · a · b of stacks of matrices with equal leading axes. */
export function batchedMatmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  requireSameType([a, b], "batchedMatmul");
  const shape = productShape(a, b, {
    operation: "batchedMatmul",
    rank: a.shape.length,
    transposeA,
    transposeB,
  });
  const type = { dataType: a.dataType, shape };
  const [y] = a.graph.block({
    inputs: [a, b],
    compute: () => {
      if (a.graph.profile.fusedMatMul && a.dataType === "f32") {
        const attributes = {
          transA: { integer: transposeA ? 1 : 0 },
          transB: { integer: transposeB ? 1 : 0 },
          alpha: { float: alpha },
        };
        return [a.graph.emitOne("FusedMatMul", [a, b], type, { attributes, domain: "com.microsoft" })];
      }
      const left = transposeA ? transposeLast(a) : a;
      const right = transposeB ? transposeLast(b) : b;
      const plain = a.graph.emitOne("MatMul", [left, right], type);
      return [alpha === 1 ? plain : multiply(plain, alpha)];
    },
    backward: ([gradient]) =>
      productGradients(
        { a, b, gradient: gradient!, multiplyMatrices: batchedMatmul },
        { transposeA, transposeB, alpha },
      ),
  });
  return y!;
}

interface ProductGradient {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly gradient: Tensor;
  readonly multiplyMatrices: (a: Tensor, b: Tensor, options: MatmulOptions) => Tensor;
}

/** For Y = A·B: dA = dY·Bᵀ and dB = Aᵀ·dY, with the transpositions of A and B moved into the products. */
function productGradients(
  { a, b, gradient, multiplyMatrices }: ProductGradient,
  { transposeA, transposeB, alpha }: Required<MatmulOptions>,
): [Tensor, Tensor] {
  return [
    transposeA
      ? multiplyMatrices(b, gradient, { transposeA: transposeB, transposeB: true, alpha })
      : multiplyMatrices(gradient, b, { transposeB: !transposeB, alpha }),
    transposeB
      ? multiplyMatrices(gradient, a, { transposeA: true, transposeB: transposeA, alpha })
      : multiplyMatrices(a, gradient, { transposeA: !transposeA, alpha }),
  ];
}

/** The attribute alpha is a 32-bit float; a float64 graph multiplies in float64. */
function scaledInFloat64(
  a: Tensor,
  b: Tensor,
  { bias = null, alpha = 1, ...transposed }: GemmOptions,
): Tensor {
  const scaled = multiply(gemm(a, b, transposed), alpha);
  if (bias === null) return scaled;
  throw shapeError("gemm", "alpha 1 beside a bias in float64", String(alpha));
}

function productShape(
  a: Tensor,
  b: Tensor,
  options: { operation: string; rank: number; transposeA: boolean; transposeB: boolean },
): Shape {
  const { operation, rank, transposeA, transposeB } = options;
  const [rows, inner] = lastTwo(a.shape, transposeA);
  const [innerB, columns] = lastTwo(b.shape, transposeB);
  const batch = a.shape.slice(0, -2);
  const fits = a.shape.length === rank && b.shape.length === rank && rank >= 2 && inner === innerB;
  if (!fits || !sameShape(batch, b.shape.slice(0, -2))) {
    const got = [
      `${formatShape(a.shape)}${transposeA ? " transposed" : ""}`,
      `${formatShape(b.shape)}${transposeB ? " transposed" : ""}`,
    ];
    throw shapeError(operation, "matrices whose inner sizes agree", got.join(" and "));
  }
  return [...batch, rows!, columns!];
}

function lastTwo(shape: Shape, transposed: boolean): Shape {
  return transposed ? [shape.at(-1) ?? 0, shape.at(-2) ?? 0] : [shape.at(-2) ?? 0, shape.at(-1) ?? 0];
}

function transposeLast(x: Tensor): Tensor {
  const axes = [...x.shape.keys()];
  return transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

/** All leading axes as one: [..., n] to [rows, n]. */
export function asMatrixShape(shape: Shape): Shape {
  return [product(shape.slice(0, -1)), shape.at(-1) ?? 1];
}
