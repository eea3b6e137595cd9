/**
 * @file Divisors of rotary frequencies, the tensor `rope_freqs.weight`: how GGUF files hold llama3 scaling (`convert_hf_to_gguf.py`,
 * `LlamaModel.generate_extra_tensors`).
 */
import { inverseFrequencies } from "../../rope.ts";
import type { Llama3Rope } from "../../rope-config.ts";

/** One divisor for each pair of a head, [headDimension / 2]. */
export function ropeDivisors(rope: Llama3Rope, headDimension: number): Float32Array {
  const size = { headDimension, positions: 0 };
  const scaled = inverseFrequencies(rope, size);
  const plain = inverseFrequencies({ type: "default", theta: rope.theta }, size);
  return plain.map((frequency, pair) => frequency / scaled[pair]!);
}

/**
 * Finds the settings whose divisors these are; null when there are none.
 *
 * The factors of low and high frequencies and the original length count only by their ratios, and all models have 1 and 4: lengths are
 * tried, powers of two.
 */
export function llama3Scaling(divisors: Float32Array, theta: number): Record<string, unknown> | null {
  const factor = divisors.reduce((largest, divisor) => Math.max(largest, divisor), 0);
  if (!(factor >= 1 && factor < Infinity && theta > 0)) return null;
  for (let exponent = 3; exponent <= 24; exponent++) {
    const rope: Llama3Rope = {
      type: "llama3",
      theta,
      factor: Number(factor.toPrecision(6)),
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 2 ** exponent,
    };
    const candidate = ropeDivisors(rope, 2 * divisors.length);
    if (candidate.some((divisor, pair) => Math.abs(divisor - divisors[pair]!) > 1e-5 * divisor)) continue;
    return {
      rope_type: "llama3",
      factor: rope.factor,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: rope.originalMaxPositions,
    };
  }
  return null;
}
