/**
 * @file Rotary position embeddings: inverse frequencies and tables of cosines and sines.
 *
 * Source: `transformers/modeling_rope_utils.py`; RoPE arXiv 2104.09864, linear arXiv 2306.15595, dynamic "NTK-aware" scaling
 * (r/LocalLLaMA, emozilla 2023), YaRN arXiv 2309.00071, llama3 as in Meta's reference code.
 *
 * Departures: 1. `dynamic` takes its frequencies from the length of the whole table, as one forward pass over that many tokens
 * does there; transformers changes them while a generation grows and keeps old keys at old frequencies.
 */
import type { DynamicRope, Llama3Rope, RopeConfig, YarnRope } from "./rope-config.ts";

/** Cosines and sines, each [positions, headDimension / 2]; the attention factor of YaRN is multiplied in. */
export interface RopeTables {
  readonly cos: Float32Array<ArrayBuffer>;
  readonly sin: Float32Array<ArrayBuffer>;
}

/** Tables for positions 0 ... `positions` - 1. Angles are float32 products, as in transformers. */
export function ropeTables(
  rope: RopeConfig,
  { headDimension, positions }: { headDimension: number; positions: number },
): RopeTables {
  const frequencies = inverseFrequencies(rope, { headDimension, positions });
  const half = frequencies.length;
  const factor = rope.type === "yarn" ? rope.attentionFactor : 1;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < half; pair++) {
      const angle = Math.fround(position * frequencies[pair]!);
      cos[position * half + pair] = Math.cos(angle) * factor;
      sin[position * half + pair] = Math.sin(angle) * factor;
    }
  }
  return { cos, sin };
}

/** Radians per position of each pair, [headDimension / 2]; `positions` matters to `dynamic` only. */
export function inverseFrequencies(
  rope: RopeConfig,
  { headDimension, positions }: { headDimension: number; positions: number },
): Float32Array<ArrayBuffer> {
  switch (rope.type) {
    case "default":
      return geometricSeries(rope.theta, headDimension);
    case "linear":
      return geometricSeries(rope.theta, headDimension).map((frequency) => frequency / rope.factor);
    case "dynamic":
      return geometricSeries(dynamicTheta(rope, { headDimension, positions }), headDimension);
    case "yarn":
      return yarnFrequencies(rope, headDimension);
    case "llama3":
      return geometricSeries(rope.theta, headDimension).map((frequency) => llama3Frequency(rope, frequency));
    default:
      return rope satisfies never;
  }
}

/** theta^(-2i / d). */
function geometricSeries(theta: number, headDimension: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: headDimension / 2 },
    (_, pair) => theta ** ((-2 * pair) / headDimension),
  );
}

function dynamicTheta(
  { theta, factor, originalMaxPositions }: DynamicRope,
  { headDimension, positions }: { headDimension: number; positions: number },
): number {
  const length = Math.max(positions, originalMaxPositions);
  const stretch = (factor * length) / originalMaxPositions - (factor - 1);
  return theta * stretch ** (headDimension / (headDimension - 2));
}

/** Fast dimensions keep their frequency, slow ones are divided by the factor, a ramp lies between (paper, section 3.2). */
function yarnFrequencies(rope: YarnRope, headDimension: number): Float32Array<ArrayBuffer> {
  // The dimension that makes `rotations` full turns over the original context.
  const dimensionOf = (rotations: number): number =>
    (headDimension * Math.log(rope.originalMaxPositions / (rotations * 2 * Math.PI))) /
    (2 * Math.log(rope.theta));
  const [first, last] = [dimensionOf(rope.betaFast), dimensionOf(rope.betaSlow)];
  const low = Math.max(rope.truncate ? Math.floor(first) : first, 0);
  const high = Math.min(rope.truncate ? Math.ceil(last) : last, headDimension - 1);
  const width = low === high ? 0.001 : high - low;
  return geometricSeries(rope.theta, headDimension).map((frequency, pair) => {
    const ramp = Math.min(Math.max((pair - low) / width, 0), 1);
    return (frequency / rope.factor) * ramp + frequency * (1 - ramp);
  });
}

/** Long wavelengths are divided by the factor, short ones kept, and those between blended. */
function llama3Frequency(rope: Llama3Rope, frequency: number): number {
  const rotations = rope.originalMaxPositions / ((2 * Math.PI) / frequency);
  if (rotations > rope.highFrequencyFactor) return frequency;
  if (rotations < rope.lowFrequencyFactor) return frequency / rope.factor;
  const smooth = (rotations - rope.lowFrequencyFactor) / (rope.highFrequencyFactor - rope.lowFrequencyFactor);
  return ((1 - smooth) * frequency) / rope.factor + smooth * frequency;
}
