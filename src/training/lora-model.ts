import type { ModelConfig } from "../checkpoint/model-config.ts";
import { dense } from "../models/linears/dense.ts";
import { lora } from "../models/linears/lora.ts";
import { linearSites, type LinearSite } from "../models/linear-sites.ts";
import { randomStream } from "../util/random.ts";
import { flatParameters, parameterFeeds, segmentOf, type FlatParameters } from "./parameters.ts";
import { floatInputs, type TrainableModel } from "./trainable-model.ts";

/** Size and strength of the adapters of every block linear. */
export interface LoraSettings {
  readonly rank: number;
  /** The update is multiplied by alpha / rank. */
  readonly alpha: number;
}

/** The tensor names of a site's factors in an adapter file of the PEFT library. */
export function adapterNames({ name }: Pick<LinearSite, "name">): {
  readonly down: string;
  readonly up: string;
} {
  const prefix = `base_model.model.${name}`;
  return { down: `${prefix}.lora_A.weight`, up: `${prefix}.lora_B.weight` };
}

/**
 * A frozen model with a learned low-rank update on every block linear.
 *
 * `base` holds all weights, those of a low-bit model as the numbers their codes stand for: gradients pass through them to the inputs
 * only. A starts uniform in ±1/√inFeatures, B at zero (as the PEFT library does), so that the model starts unchanged.
 */
export function loraModel(
  config: ModelConfig,
  base: FlatParameters,
  settings: LoraSettings & { readonly seed: number },
): TrainableModel {
  const parameters = initialFactors(config, settings);
  const learnedNames = new Set(parameters.segments.map(({ name }) => name));
  const sites = new Set(linearSites(config).map(({ name }) => name));
  return {
    config,
    parameters,
    frozen: parameterFeeds(base),
    parts: (graph) => {
      const { input, learned } = floatInputs(graph, (name) => learnedNames.has(name));
      const linear = lora({
        base: dense(input),
        scaling: settings.alpha / settings.rank,
        factors: (site) => {
          if (!sites.has(site.name)) return null;
          const { down, up } = adapterNames(site);
          return {
            down: input(down, [settings.rank, site.inFeatures]),
            up: input(up, [site.outFeatures, settings.rank]),
          };
        },
      });
      return { linear, parameter: input, learned };
    },
  };
}

function initialFactors(config: ModelConfig, { rank, seed }: { rank: number; seed: number }): FlatParameters {
  const parameters = flatParameters(
    linearSites(config).flatMap((site) => [
      { name: adapterNames(site).down, shape: [rank, site.inFeatures], weightDecay: false },
      { name: adapterNames(site).up, shape: [site.outFeatures, rank], weightDecay: false },
    ]),
  );
  for (const segment of parameters.segments) {
    if (!segment.name.endsWith("lora_A.weight")) continue;
    const random = randomStream(seed, "adapter", segment.name);
    const limit = 1 / Math.sqrt(segment.shape[1]!);
    const values = segmentOf(parameters.values, segment);
    for (let index = 0; index < values.length; index++) values[index] = limit * (2 * random.next() - 1);
  }
  return parameters;
}

/** Adds the update of every site to the weights in `base` IN PLACE: the merged model means what adapter and base mean together. */
export function mergeAdapters(
  base: FlatParameters,
  adapters: FlatParameters,
  { rank, alpha }: LoraSettings,
): void {
  for (const weight of base.segments) {
    const { down, up } = adapterNames({ name: weight.name.replace(/\.weight$/v, "") });
    const downSegment = adapters.segments.find(({ name }) => name === down);
    const upSegment = adapters.segments.find(({ name }) => name === up);
    if (downSegment === undefined || upSegment === undefined) continue;
    const [rows, columns] = [weight.shape[0]!, weight.shape[1]!];
    const a = segmentOf(adapters.values, downSegment);
    const b = segmentOf(adapters.values, upSegment);
    const values = segmentOf(base.values, weight);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let update = 0;
        for (let inner = 0; inner < rank; inner++)
          update += b[row * rank + inner]! * a[inner * columns + column]!;
        values[row * columns + column]! += (alpha / rank) * update;
      }
    }
  }
}
