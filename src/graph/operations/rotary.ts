import { formatShape, knownDimension, shapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { add, multiply, negate, reshape, subtract } from "./elementwise.ts";
import { gather } from "./gather.ts";
import { concat, split } from "./layout.ts";
import { single } from "./single-output.ts";

/** Angles of `rotary()`. */
export interface RotaryOptions {
  /** [batch, tokens], i64: rows of the tables. */
  readonly positions: Tensor;
  /** [positions, headDimension / 2]. */
  readonly cos: Tensor;
  /** [positions, headDimension / 2]. */
  readonly sin: Tensor;
  /** -sin, for the gradient. Default: computed. */
  readonly negativeSin?: Tensor;
}

/**
 * Rotary position embedding of [batch, heads, tokens, headDimension] or [batch, tokens, heads · headDimension]: element i of a head is
 * rotated with element i + headDimension / 2 (https://arxiv.org/abs/2104.09864, in the order of Hugging Face's `rotate_half`).
 */
export function rotary(x: Tensor, options: RotaryOptions): Tensor {
  const { positions, cos, sin } = options;
  const half = knownDimension(cos.shape.at(-1), "rotary");
  const width = knownDimension(x.shape.at(-1), "rotary");
  const isSupported =
    x.shape.length === 4 ? width === 2 * half : x.shape.length === 3 && width % (2 * half) === 0;
  if (!isSupported) {
    throw shapeError(
      "rotary",
      `[batch, heads, tokens, ${2 * half}] or [batch, tokens, heads · ${2 * half}]`,
      formatShape(x.shape),
    );
  }
  if (!x.graph.profile.fusedRotary || x.dataType !== "f32") return rotaryFromElements(x, options);
  const negativeSin = options.negativeSin ?? x.graph.once(`negative ${sin.name}`, () => negate(sin));
  return x.graph.emitOne(
    "RotaryEmbedding",
    [x, positions, cos, sin],
    { dataType: x.dataType, shape: x.shape },
    {
      domain: "com.microsoft",
      attributes: { interleaved: { integer: 0 } },
      // The inverse of a rotation is the rotation by the opposite angle.
      backward: single((gradient) => [
        rotary(gradient, { positions, cos, sin: negativeSin, negativeSin: sin }),
        null,
        null,
        null,
      ]),
    },
  );
}

function rotaryFromElements(x: Tensor, { positions, cos, sin }: RotaryOptions): Tensor {
  const half = knownDimension(cos.shape.at(-1), "rotary");
  const [batch, tokens] = [positions.shape[0]!, positions.shape[1]!];
  const isSplit = x.shape.length === 4;
  const heads = Number(x.shape.at(-1)) / (2 * half);
  const perHead = isSplit ? x : reshape(x, [batch, tokens, heads, 2 * half]);
  const tableShape = isSplit ? [batch, 1, tokens, half] : [batch, tokens, 1, half];
  const cosines = reshape(gather(cos, positions), tableShape);
  const sines = reshape(gather(sin, positions), tableShape);
  const [first, second] = split(perHead, { axis: -1, sizes: [half, half] });
  const rotated = concat(
    [
      subtract(multiply(first!, cosines), multiply(second!, sines)),
      add(multiply(second!, cosines), multiply(first!, sines)),
    ],
    -1,
  );
  return reshape(rotated, x.shape);
}
