/**
 * @file Where a decoder layer lets a channel's scale move from one parameter to another without changing its function: what gives an
 * activation is divided by the scale, and every linear that reads it has its columns multiplied.
 *
 * {@link https://arxiv.org/abs/2306.00978 | AWQ}, section 3.2, and {@link https://arxiv.org/abs/2211.10438 | SmoothQuant}, section 4.
 */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { LinearKind } from "./linear-sites.ts";

/** One such place. */
export interface ScaleFold {
  readonly half: "attention" | "feed-forward";
  /** The linears that read the activation, all of them. */
  readonly readers: readonly LinearKind[];
  /** What gives it, channel by channel: the gain of a norm, or the rows and the bias of a linear. */
  readonly giver:
    | { readonly kind: "norm"; readonly module: "input_layernorm" | "post_attention_layernorm" }
    | { readonly kind: "linear"; readonly linear: "v" | "up" };
}

/**
 * The folds of a pre-norm layer with gated feed-forward: both norms into what reads them; v into o, since attention averages v over tokens
 * and leaves its channels apart; up into down, since the gate multiplies channel by channel.
 */
export const gatedPreNormFolds: readonly ScaleFold[] = [
  { half: "attention", readers: ["q", "k", "v"], giver: { kind: "norm", module: "input_layernorm" } },
  { half: "attention", readers: ["o"], giver: { kind: "linear", linear: "v" } },
  {
    half: "feed-forward",
    readers: ["gate", "up"],
    giver: { kind: "norm", module: "post_attention_layernorm" },
  },
  { half: "feed-forward", readers: ["down"], giver: { kind: "linear", linear: "up" } },
];

/**
 * The giver's channel that each channel of the readers' input comes from.
 *
 * With grouped queries several heads read one value head, so several of o's columns share a row of v.
 */
export function giverChannels(config: ModelConfig, { giver }: ScaleFold): Uint32Array {
  const { hiddenSize, intermediateSize, headCount, keyValueHeadCount, headDimension } = config;
  if (giver.kind === "norm") return Uint32Array.from({ length: hiddenSize }, (_, channel) => channel);
  if (giver.linear === "up") return Uint32Array.from({ length: intermediateSize }, (_, channel) => channel);
  const headsTogether = headCount / keyValueHeadCount;
  return Uint32Array.from({ length: headCount * headDimension }, (_, column) => {
    const valueHead = Math.floor(Math.floor(column / headDimension) / headsTogether);
    return valueHead * headDimension + (column % headDimension);
  });
}
