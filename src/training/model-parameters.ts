import type { ModelConfig } from "../checkpoint/model-config.ts";
import { parameterSites } from "../models/parameter-sites.ts";
import { randomStream } from "../util/random.ts";
import { flatParameters, segmentOf, type FlatParameters } from "./parameters.ts";

/** All weights of a model, laid out for training; matrices decay, gains and biases do not. Zero-filled. */
export function modelParameters(config: ModelConfig): FlatParameters {
  return flatParameters(
    parameterSites(config).map(({ name, shape }) => ({ name, shape, weightDecay: shape.length > 1 })),
  );
}

/**
 * Random initial weights: gains 1, biases 0, projections normal with standard deviation 1/√inFeatures, those that write to the residual
 * stream divided by √(2 · layers) more ({@link https://cdn.openai.com/better-language-models/language_models.pdf | GPT-2, section 2.3}),
 * the embedding table normal with 0.02, so that the first logits of a tied head are near zero.
 */
export function initializeModelParameters(config: ModelConfig, seed: number): FlatParameters {
  const parameters = modelParameters(config);
  const residual = 1 / Math.sqrt(2 * config.layerCount);
  for (const segment of parameters.segments) {
    const values = segmentOf(parameters.values, segment);
    const { name, shape } = segment;
    if (shape.length === 1) {
      values.fill(name.endsWith(".bias") ? 0 : 1);
      continue;
    }
    const isEmbedding = name === "model.embed_tokens.weight";
    const writesResidual = name.endsWith("o_proj.weight") || name.endsWith("down_proj.weight");
    const deviation = isEmbedding ? 0.02 : (writesResidual ? residual : 1) / Math.sqrt(shape[1]!);
    const random = randomStream(seed, "initial weights", name);
    for (let index = 0; index < values.length; index++) values[index] = deviation * random.normal();
  }
  return parameters;
}
