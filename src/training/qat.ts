/**
 * @file Quantization-aware training: low-bit weights whose latent values, scales and zero points are learned through fake quantization.
 *
 * As in {@link https://arxiv.org/abs/2601.14888 | Reasoning-QAT}: it starts from a GPTQ result, embedding and head stay in full precision.
 * Departures: 1. scales and zero points are learned with the weights ({@link https://arxiv.org/abs/2407.11062 | EfficientQAT}); 2. norm
 * gains and biases are learned too; 3. embedding and head, still in full precision, may be learned (`embeddingRate`).
 */
import type { Bits, QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { EngineTensor } from "../engine/index.ts";
import { dense } from "../models/linears/dense.ts";
import { fakeQuantized } from "../models/linears/fake-quantized.ts";
import { linearSites } from "../models/linear-sites.ts";
import { parameterSites } from "../models/parameter-sites.ts";
import { roundHalfToEven } from "../quantization/grid.ts";
import { BitmendError } from "../util/errors.ts";
import { latentWeights, type LatentStart } from "./latent-weights.ts";
import {
  flatParameters,
  parameterFeeds,
  parameterNamed,
  segmentOf,
  sharedFloats,
  type FlatParameters,
  type ParameterSpecification,
} from "./parameters.ts";
import { floatInputs, type TrainableModel } from "./trainable-model.ts";

/** The low-bit model that training starts from. */
export interface QatStart {
  readonly config: ModelConfig;
  /** All weights of the full-precision model. */
  readonly full: FlatParameters;
  /** The quantized matrix of every block linear, by module name. */
  readonly quantized: ReadonlyMap<string, QuantizedMatrix>;
  /** Where the latent weights begin. Default: "quantized". */
  readonly latent?: LatentStart;
  /** Learning rates of scales, and of zero points, relative to the weights'. Defaults: 0.1 and 10. */
  readonly scaleRate?: number;
  readonly zeroPointRate?: number;
  /** Learning rate of embedding and head, which stay in full precision, relative to the weights'; 0 freezes them. Default: 0. */
  readonly embeddingRate?: number;
}

/** Smallest normal fp16 number: a learned scale stays above it. */
const smallestScale = 2 ** -14;
const scaleName = (module: string): string => `${module}.weight_scale`;
const zeroPointName = (module: string): string => `${module}.weight_zero_point`;

/**
 * The model to train: block linears fake-quantized, norms and biases learned, embedding and head frozen unless asked for.
 *
 * @throws {BitmendError} `training/not-quantized` listing block linears without a quantized matrix.
 */
export function fakeQuantizedModel(start: QatStart): TrainableModel {
  const { config, full, quantized } = start;
  const sites = linearSites(config);
  const missing = sites.filter(({ name }) => !quantized.has(name)).map(({ name }) => name);
  if (missing.length > 0) {
    throw new BitmendError(
      "training/not-quantized",
      `fakeQuantizedModel(): expected every block linear to be quantized, these are not: ${missing.join(", ")}.`,
    );
  }
  const parameters = learnedParameters(start);
  const learnedNames = new Set(parameters.segments.map(({ name }) => name));
  const frozen: Record<string, EngineTensor> = {};
  for (const [name, tensor] of Object.entries(parameterFeeds(full))) {
    if (!learnedNames.has(name)) frozen[name] = tensor;
  }
  for (const [module, matrix] of quantized) {
    if (matrix.symmetric) frozen[zeroPointName(module)] = zeroPointTensor(matrix);
  }
  return {
    config,
    parameters,
    frozen,
    parts: (graph) => {
      const { input, learned } = floatInputs(graph, (name) => learnedNames.has(name));
      const linear = fakeQuantized((site) => {
        const matrix = quantized.get(site.name);
        if (matrix === undefined) return null;
        const grid = [matrix.rows, matrix.columns / matrix.groupSize];
        return {
          weight: input(`${site.name}.weight`, [matrix.rows, matrix.columns]),
          scale: input(scaleName(site.name), grid),
          zeroPoint: input(zeroPointName(site.name), grid),
          bits: matrix.bits,
        };
      }, dense(input));
      return { linear, parameter: input, learned };
    },
  };
}

/** Latent weights, scales and learned zero points of every linear, then norms and biases, filled with their starting values. */
function learnedParameters(start: QatStart): FlatParameters {
  const { config, full, quantized, latent = "quantized" } = start;
  const { scaleRate = 0.1, zeroPointRate = 10, embeddingRate = 0 } = start;
  const specifications: ParameterSpecification[] = parameterSites(config).flatMap(({ name, shape }) => {
    const module = name.replace(/\.weight$/v, "");
    const matrix = quantized.get(module);
    if (matrix === undefined) {
      const learningRateFactor = shape.length === 1 ? 1 : embeddingRate;
      return learningRateFactor === 0 ? [] : [{ name, shape, weightDecay: false, learningRateFactor }];
    }
    const grid = [matrix.rows, matrix.columns / matrix.groupSize];
    const scale = { name: scaleName(module), shape: grid, weightDecay: false, learningRateFactor: scaleRate };
    const zeroPoint = {
      name: zeroPointName(module),
      shape: grid,
      weightDecay: false,
      learningRateFactor: zeroPointRate,
    };
    return [{ name, shape, weightDecay: false }, scale, ...(matrix.symmetric ? [] : [zeroPoint])];
  });
  const parameters = flatParameters(specifications);
  for (const segment of parameters.segments) {
    if (isFullPrecision(segment.name, quantized))
      segmentOf(parameters.values, segment).set(parameterNamed(full, segment.name));
  }
  for (const [module, matrix] of quantized) {
    const weight = parameterNamed(full, `${module}.weight`);
    parameterNamed(parameters, `${module}.weight`).set(latentWeights(matrix, weight, latent));
    parameterNamed(parameters, scaleName(module)).set(matrix.scales);
    if (!matrix.symmetric) parameterNamed(parameters, zeroPointName(module)).set(matrix.zeroPoints);
  }
  return parameters;
}

/** Whether a learned parameter is no part of a quantized matrix: norms, biases, embedding and head. */
export function isFullPrecision(name: string, quantized: ReadonlyMap<string, QuantizedMatrix>): boolean {
  return !quantized.has(name.replace(/\.weight(_scale|_zero_point)?$/v, ""));
}

function zeroPointTensor({ rows, columns, groupSize, zeroPoints }: QuantizedMatrix): EngineTensor {
  const data = sharedFloats(zeroPoints.length);
  data.set(zeroPoints);
  return { dataType: "f32", shape: [rows, columns / groupSize], data };
}

/** Keeps learned scales positive; given to the training loop. */
export function keepScalesPositive({ segments, values }: FlatParameters): void {
  for (const segment of segments) {
    if (!segment.name.endsWith(".weight_scale")) continue;
    const scales = segmentOf(values, segment);
    for (let index = 0; index < scales.length; index++)
      scales[index] = Math.max(scales[index]!, smallestScale);
  }
}

/**
 * Ends quantization-aware training: rounds the learned scales to fp16 and the zero points to integers IN PLACE, and reads off the codes,
 * so that the fake-quantized model and the returned matrices mean the same numbers.
 */
export function settleQuantization(
  model: TrainableModel,
  quantized: ReadonlyMap<string, QuantizedMatrix>,
): Map<string, QuantizedMatrix> {
  const settled = new Map<string, QuantizedMatrix>();
  for (const [module, start] of quantized) {
    const highest = 2 ** start.bits - 1;
    const scales = parameterNamed(model.parameters, scaleName(module));
    scales.set(new Float16Array(scales));
    const zeroPoints = Float32Array.from(start.zeroPoints);
    if (!start.symmetric) {
      const learned = parameterNamed(model.parameters, zeroPointName(module));
      for (let index = 0; index < learned.length; index++) {
        learned[index] = Math.min(highest, Math.max(0, roundHalfToEven(learned[index]!)));
      }
      zeroPoints.set(learned);
    }
    const weight = parameterNamed(model.parameters, `${module}.weight`);
    settled.set(module, { ...start, ...codesOf({ ...start, weight, scales, zeroPoints }) });
  }
  return settled;
}

function codesOf(input: {
  weight: Float32Array;
  scales: Float32Array;
  zeroPoints: Float32Array | Uint8Array;
  bits: Bits;
  groupSize: number;
}): Pick<QuantizedMatrix, "codes" | "scales" | "zeroPoints"> {
  const { weight, scales, zeroPoints, bits, groupSize } = input;
  const codes = new Uint8Array(weight.length);
  for (let index = 0; index < weight.length; index++) {
    const group = Math.floor(index / groupSize);
    // float32 division first: the graph divides in float32, and a tie must fall to the same side
    const steps = roundHalfToEven(Math.fround(weight[index]! / scales[group]!));
    codes[index] = Math.min(2 ** bits - 1, Math.max(0, steps + zeroPoints[group]!));
  }
  return { codes, scales: Float32Array.from(scales), zeroPoints: Uint8Array.from(zeroPoints) };
}
