import type { ModelConfig } from "../checkpoint/model-config.ts";
import { layerSites, type LinearSite } from "./linear-sites.ts";

/** One parameter tensor of a model as its checkpoint stores it. */
export interface ParameterSite {
  /** Hugging Face tensor name, for example `model.norm.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** Every parameter of the model in the order in which Hugging Face defines, and so writes, its modules. */
export function parameterSites(config: ModelConfig): ParameterSite[] {
  const { vocabularySize, hiddenSize, layerCount, tiedEmbeddings } = config;
  return [
    { name: "model.embed_tokens.weight", shape: [vocabularySize, hiddenSize] },
    ...Array.from({ length: layerCount }, (_, layer) => layerParameters(config, layer)).flat(),
    { name: "model.norm.weight", shape: [hiddenSize] },
    ...(tiedEmbeddings ? [] : [{ name: "lm_head.weight", shape: [vocabularySize, hiddenSize] }]),
  ];
}

/** The parameters of one decoder layer. */
export function layerParameters(config: ModelConfig, layer: number): ParameterSite[] {
  const prefix = `model.layers.${layer}`;
  const { q, k, v, o, gate, up, down } = layerSites(config, layer);
  const norm = (name: string, width: number): ParameterSite => ({
    name: `${prefix}.${name}.weight`,
    shape: [width],
  });
  const headNorms = config.queryKeyNorm
    ? [norm("self_attn.q_norm", config.headDimension), norm("self_attn.k_norm", config.headDimension)]
    : [];
  return [
    ...[q, k, v, o].flatMap(linearParameters),
    ...headNorms,
    ...[gate, up, down].flatMap(linearParameters),
    norm("input_layernorm", config.hiddenSize),
    norm("post_attention_layernorm", config.hiddenSize),
  ];
}

function linearParameters(site: LinearSite): ParameterSite[] {
  const weight = { name: `${site.name}.weight`, shape: [site.outFeatures, site.inFeatures] };
  return site.hasBias ? [weight, { name: `${site.name}.bias`, shape: [site.outFeatures] }] : [weight];
}
