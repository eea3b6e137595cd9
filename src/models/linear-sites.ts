import type { ModelConfig } from "../checkpoint/model-config.ts";

/** The role of a projection in a decoder. */
export type LinearKind = "q" | "k" | "v" | "o" | "gate" | "up" | "down" | "head";

/** One place of the decoder where a linear map is applied. */
export interface LinearSite {
  /** Hugging Face module name, for example `model.layers.0.self_attn.q_proj`. */
  readonly name: string;
  /** Null for the head. */
  readonly layer: number | null;
  readonly kind: LinearKind;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly hasBias: boolean;
}

/** Kinds that read the same activation, in execution order: one calibration input serves a whole group. */
export const linearGroups: readonly (readonly LinearKind[])[] = [
  ["q", "k", "v"],
  ["o"],
  ["gate", "up"],
  ["down"],
];

/** The seven projections of one decoder layer, in execution order. */
export function layerSites(
  config: ModelConfig,
  layer: number,
): Readonly<Record<Exclude<LinearKind, "head">, LinearSite>> {
  const { hiddenSize, intermediateSize, headDimension, attentionBias, feedForwardBias } = config;
  const queryWidth = config.headCount * headDimension;
  const keyValueWidth = config.keyValueHeadCount * headDimension;
  const site = (
    kind: LinearKind,
    module: string,
    [outFeatures, inFeatures, hasBias]: [number, number, boolean],
  ): LinearSite => ({
    name: `model.layers.${layer}.${module}_proj`,
    layer,
    kind,
    inFeatures,
    outFeatures,
    hasBias,
  });
  return {
    q: site("q", "self_attn.q", [queryWidth, hiddenSize, attentionBias.queryKeyValue]),
    k: site("k", "self_attn.k", [keyValueWidth, hiddenSize, attentionBias.queryKeyValue]),
    v: site("v", "self_attn.v", [keyValueWidth, hiddenSize, attentionBias.queryKeyValue]),
    o: site("o", "self_attn.o", [hiddenSize, queryWidth, attentionBias.output]),
    gate: site("gate", "mlp.gate", [intermediateSize, hiddenSize, feedForwardBias]),
    up: site("up", "mlp.up", [intermediateSize, hiddenSize, feedForwardBias]),
    down: site("down", "mlp.down", [hiddenSize, intermediateSize, feedForwardBias]),
  };
}

/** Every projection of the decoder layers, in execution order: what quantization and adapters work on. */
export function linearSites(config: ModelConfig): LinearSite[] {
  return Array.from({ length: config.layerCount }, (_, layer) =>
    Object.values(layerSites(config, layer)),
  ).flat();
}

/** The map from the last hidden state to logits; with tied embeddings its weight is the embedding table. */
export function headSite(config: ModelConfig): LinearSite {
  return {
    name: config.tiedEmbeddings ? "model.embed_tokens" : "lm_head",
    layer: null,
    kind: "head",
    inFeatures: config.hiddenSize,
    outFeatures: config.vocabularySize,
    hasBias: false,
  };
}
