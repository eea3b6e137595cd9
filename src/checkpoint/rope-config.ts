/**
 * @file The rotary embedding part of `config.json`: `rope_theta` with `rope_scaling` (up to transformers 4) or `rope_parameters`
 * (transformers 5), read as `transformers/modeling_rope_utils.py` reads them.
 */
import { isJsonObject } from "./json-file.ts";
import type { ConfigReader } from "./config-reader.ts";

interface RopeBase {
  /** Base of the geometric series of wavelengths. */
  readonly theta: number;
}

interface LinearRope extends RopeBase {
  readonly type: "linear";
  readonly factor: number;
}

export interface DynamicRope extends RopeBase {
  readonly type: "dynamic";
  readonly factor: number;
  /** Longest sequence that keeps the unscaled frequencies. */
  readonly originalMaxPositions: number;
}

export interface YarnRope extends RopeBase {
  readonly type: "yarn";
  readonly factor: number;
  readonly originalMaxPositions: number;
  /** Rotations over the original context above which a dimension is extrapolated ("beta"). */
  readonly betaFast: number;
  /** Rotations below which a dimension is interpolated ("alpha"). */
  readonly betaSlow: number;
  /** Multiplies cosines and sines. */
  readonly attentionFactor: number;
  /** Whether the corrected range is widened to whole dimensions. */
  readonly truncate: boolean;
}

export interface Llama3Rope extends RopeBase {
  readonly type: "llama3";
  readonly factor: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  readonly originalMaxPositions: number;
}

export type RopeConfig =
  | (RopeBase & { readonly type: "default" })
  | LinearRope
  | DynamicRope
  | YarnRope
  | Llama3Rope;

/** Reads the rotary embedding; whatever is wrong or unsupported is noted in `reader`. */
export function parseRopeConfig(
  reader: ConfigReader,
  { maxPositions }: { maxPositions: number },
): RopeConfig {
  const key = reader.value("rope_scaling") === null ? "rope_parameters" : "rope_scaling";
  const given = reader.value(key) ?? {};
  if (!isJsonObject(given)) {
    reader.refuse(key, "expected an object");
    return { type: "default", theta: 10_000 };
  }
  if (Object.values(given).some(isJsonObject)) {
    reader.refuse(key, "rotary embeddings that differ between layers are not supported");
  }
  const inner = reader.inside(key, given);
  const theta = inner.positive("rope_theta", reader.positive("rope_theta", 10_000));
  if (inner.positive("partial_rotary_factor", reader.positive("partial_rotary_factor", 1)) !== 1) {
    reader.refuse("partial_rotary_factor", "partial rotary embeddings are not supported");
  }
  const type: unknown = inner.value("rope_type") ?? inner.value("type") ?? "default";
  const original = (): number =>
    inner.integer("original_max_position_embeddings", {
      fallback: reader.integer("original_max_position_embeddings", { fallback: maxPositions }),
    });
  switch (type) {
    case "default":
      return { type, theta };
    case "linear":
      return { type, theta, factor: inner.positive("factor") };
    case "dynamic":
      return { type, theta, factor: inner.positive("factor"), originalMaxPositions: original() };
    case "yarn":
      return parseYarn(inner, { theta, originalMaxPositions: original() });
    case "llama3":
      return parseLlama3(inner, { theta, originalMaxPositions: original() });
    default:
      inner.refuse(
        "rope_type",
        `${JSON.stringify(type)} is not supported (default, linear, dynamic, yarn and llama3 are)`,
      );
      return { type: "default", theta };
  }
}

function parseYarn(
  inner: ConfigReader,
  { theta, originalMaxPositions }: { theta: number; originalMaxPositions: number },
): YarnRope {
  const factor = inner.positive("factor");
  return {
    type: "yarn",
    theta,
    factor,
    originalMaxPositions,
    betaFast: inner.positive("beta_fast", 32),
    betaSlow: inner.positive("beta_slow", 1),
    attentionFactor: yarnAttentionFactor(inner, factor),
    truncate: inner.boolean("truncate", true),
  };
}

/** "mscale" of YaRN (arXiv 2309.00071, section 3.4): 0.1 ln(factor) + 1, or the quotient DeepSeek introduced. */
function yarnAttentionFactor(inner: ConfigReader, factor: number): number {
  const multiplier = (scale: number): number => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  const given = inner.value("attention_factor");
  if (given !== null) return inner.positive("attention_factor");
  const scale = inner.value("mscale") === null ? null : inner.nonNegative("mscale");
  const scaleAllDimensions =
    inner.value("mscale_all_dim") === null ? null : inner.nonNegative("mscale_all_dim");
  return scale !== null && scale !== 0 && scaleAllDimensions !== null && scaleAllDimensions !== 0
    ? multiplier(scale) / multiplier(scaleAllDimensions)
    : multiplier(1);
}

function parseLlama3(
  inner: ConfigReader,
  { theta, originalMaxPositions }: { theta: number; originalMaxPositions: number },
): Llama3Rope {
  const lowFrequencyFactor = inner.positive("low_freq_factor");
  const highFrequencyFactor = inner.positive("high_freq_factor");
  if (highFrequencyFactor <= lowFrequencyFactor) {
    inner.refuse("high_freq_factor", `expected more than low_freq_factor=${lowFrequencyFactor}`);
  }
  const factor = inner.positive("factor");
  return { type: "llama3", theta, factor, lowFrequencyFactor, highFrequencyFactor, originalMaxPositions };
}
