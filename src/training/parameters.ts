import type { EngineTensor } from "../engine/index.ts";
import { BitmendError } from "../util/errors.ts";

/** One trained tensor. */
export interface ParameterSpecification {
  /** Unique; Hugging Face tensor names for model weights. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether decoupled weight decay applies: matrices yes, gains, biases and scales no. */
  readonly weightDecay: boolean;
  /** Multiplies the schedule's learning rate. Default: 1. */
  readonly learningRateFactor?: number;
}

/** A parameter's place in the flat array. */
export interface ParameterSegment extends Required<ParameterSpecification> {
  readonly offset: number;
  readonly length: number;
}

/** All trained tensors of a model behind one another in one array, which other threads see without a copy. */
export interface FlatParameters {
  readonly segments: readonly ParameterSegment[];
  /** float32 over a SharedArrayBuffer. */
  readonly values: Float32Array;
}

/** Lays `specifications` out behind one another, zero-filled. */
export function flatParameters(specifications: readonly ParameterSpecification[]): FlatParameters {
  const segments: ParameterSegment[] = [];
  let offset = 0;
  for (const specification of specifications) {
    if (segments.some(({ name }) => name === specification.name)) {
      throw new BitmendError(
        "training/parameters",
        `flatParameters(): expected unique names, got ${specification.name} twice.`,
      );
    }
    const length = specification.shape.reduce((product, size) => product * size, 1);
    segments.push({ learningRateFactor: 1, ...specification, offset, length });
    offset += length;
  }
  return { segments, values: sharedFloats(offset) };
}

/** A float32 array that crosses threads without a copy. */
export function sharedFloats(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}

/** An int64 array that crosses threads without a copy. */
export function sharedIntegers(values: ArrayLike<number>): BigInt64Array {
  const shared = new BigInt64Array(new SharedArrayBuffer(values.length * BigInt64Array.BYTES_PER_ELEMENT));
  for (let index = 0; index < values.length; index++) shared[index] = BigInt(values[index]!);
  return shared;
}

/** The part of `flat`, laid out like the parameters (values, gradient, a moment), that belongs to `segment`. */
export function segmentOf(flat: Float32Array, segment: ParameterSegment): Float32Array {
  return flat.subarray(segment.offset, segment.offset + segment.length);
}

/**
 * The values of the parameter called `name`.
 *
 * @throws {BitmendError} `training/parameters` when there is none.
 */
export function parameterNamed(parameters: FlatParameters, name: string): Float32Array {
  const segment = parameters.segments.find((candidate) => candidate.name === name);
  if (segment === undefined) {
    throw new BitmendError("training/parameters", `parameterNamed(): there is no parameter ${name}.`);
  }
  return segmentOf(parameters.values, segment);
}

/** Every parameter as an engine tensor without a copy, named `prefix` + its name. */
export function parameterFeeds(
  { segments, values }: FlatParameters,
  prefix = "",
): Record<string, EngineTensor> {
  return Object.fromEntries(
    segments.map((segment): [string, EngineTensor] => [
      `${prefix}${segment.name}`,
      { dataType: "f32", shape: segment.shape, data: segmentOf(values, segment) },
    ]),
  );
}

/** The entries of `tensors` that a model declares: what a graph does not use is not among its inputs. */
export function declaredOnly(
  tensors: Readonly<Record<string, EngineTensor>>,
  inputs: Readonly<Record<string, unknown>>,
): Record<string, EngineTensor> {
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => name in inputs));
}
