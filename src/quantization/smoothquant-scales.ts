/**
 * @file {@link https://arxiv.org/abs/2211.10438 | SmoothQuant, Xiao et al. 2023}: outliers of activations move into the weights, so that both
 * round well to 8 bits.
 *
 *     s_j = max|X_j|^alpha / max|W_j|^(1-alpha)     (equation 4), input channel j over its tokens and all weights that read it
 *
 * Departures: 1. channels that calibration never excited, or that no weight reads, keep scale 1; 2. scales are those that the giver's data type
 * leaves (storable-scales.ts).
 */
import type { Matrix } from "./matrix.ts";

/** The least scale, as in the authors' code. */
const leastScale = 1e-5;

/** The scale of each of the giver's channels; `channels` [in] says which one each column comes from. */
export function smoothQuantScales(
  weights: readonly Matrix[],
  { maxAbsolute, channels, alpha }: { maxAbsolute: Float32Array; channels: Uint32Array; alpha: number },
): Float64Array {
  const channelCount = channels.reduce((most, channel) => Math.max(most, channel + 1), 0);
  const activationMaxima = new Float64Array(channelCount);
  const weightMaxima = new Float64Array(channelCount);
  for (const [column, channel] of channels.entries())
    activationMaxima[channel] = Math.max(activationMaxima[channel]!, maxAbsolute[column]!);
  for (const { columns, values } of weights) {
    for (const [index, value] of values.entries()) {
      const channel = channels[index % columns]!;
      weightMaxima[channel] = Math.max(weightMaxima[channel]!, Math.abs(value));
    }
  }
  return activationMaxima.map((activation, channel) => {
    const weight = weightMaxima[channel]!;
    if (activation === 0 || weight === 0) return 1;
    return Math.max(leastScale, activation ** alpha / weight ** (1 - alpha));
  });
}
