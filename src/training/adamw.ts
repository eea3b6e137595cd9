/**
 * @file AdamW, {@link https://arxiv.org/abs/1711.05101 | Loshchilov & Hutter 2019}, algorithm 2, on flat arrays.
 *
 * Departures: 1. weight decay touches only the parameters that ask for it (matrices), as Llama and GPT-3 do;
 * 2. the decay is multiplied by the learning rate, as in PyTorch.
 */
import type { FlatParameters } from "./parameters.ts";

export interface AdamWOptions {
  /** Decay of the first moment. Default: 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment. Default: 0.95. */
  readonly beta2?: number;
  /** Added to the root of the second moment. Default: 1e-8. */
  readonly epsilon?: number;
  /** Decoupled, per unit of learning rate. Default: 0.1. */
  readonly weightDecay?: number;
}

/** What AdamW remembers between steps. */
export interface AdamWState {
  /** Updates made so far. */
  step: number;
  /** Running means of the gradient and of its square, laid out like the parameters; float32. */
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

export function adamWState(length: number): AdamWState {
  return { step: 0, firstMoment: new Float32Array(length), secondMoment: new Float32Array(length) };
}

/** Updates `parameters` in place from `gradient` (flat, same layout) and advances `state`. Arithmetic is float64, storage float32. */
export function adamWStep(
  parameters: FlatParameters,
  gradient: Float32Array,
  settings: AdamWOptions & { readonly state: AdamWState; readonly learningRate: number },
): void {
  const { state, learningRate, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weightDecay = 0.1 } = settings;
  state.step += 1;
  const { firstMoment, secondMoment } = state;
  const { values } = parameters;
  const firstCorrection = 1 / (1 - beta1 ** state.step);
  const secondCorrection = 1 / (1 - beta2 ** state.step);
  for (const segment of parameters.segments) {
    const rate = learningRate * segment.learningRateFactor;
    const kept = segment.weightDecay ? 1 - rate * weightDecay : 1;
    const end = segment.offset + segment.length;
    for (let index = segment.offset; index < end; index++) {
      const slope = gradient[index]!;
      const first = beta1 * firstMoment[index]! + (1 - beta1) * slope;
      const second = beta2 * secondMoment[index]! + (1 - beta2) * slope * slope;
      firstMoment[index] = first;
      secondMoment[index] = second;
      values[index] =
        kept * values[index]! -
        (rate * first * firstCorrection) / (Math.sqrt(second * secondCorrection) + epsilon);
    }
  }
}

/** Scales `gradient` in place so that its Euclidean norm is at most `limit`; returns the norm before. */
export function clipGradient(gradient: Float32Array, limit: number): number {
  let squares = 0;
  for (let index = 0; index < gradient.length; index++) squares += gradient[index]! * gradient[index]!;
  const norm = Math.sqrt(squares);
  if (norm > limit) {
    const factor = limit / norm;
    for (let index = 0; index < gradient.length; index++) gradient[index]! *= factor;
  }
  return norm;
}
