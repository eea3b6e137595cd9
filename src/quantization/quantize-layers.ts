/**
 * @file The core of quantization: layer after layer, and inside a layer group after group (q/k/v, o, gate/up, down), each
 * calibrated on the activations of the model as it is quantized so far.
 *
 * {@link https://arxiv.org/abs/2210.17323 | GPTQ, Frantar et al. 2022}, section 4, calls for the quantized inputs of each
 * block; going group by group inside it is the authors' "true sequential". A layer then costs two passes over the calibration
 * text instead of one and a bit.
 */
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { dequantize } from "../checkpoint/dequantize.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { layerSites, linearGroups, type LinearSite } from "../models/linear-sites.ts";
import type { Calibrator } from "./calibrator.ts";
import { quantizeWithFactor } from "./gptq.ts";
import { factorHessian, type HessianFactor } from "./hessian-factor.ts";
import { weightError } from "./layer-error.ts";
import { nameInLayer, readLayerParameters, sharedFloats, type LayerParameters } from "./layer-parameters.ts";
import type { Matrix } from "./matrix.ts";
import type { QuantizationRecipe } from "./recipe.ts";
import { quantizeRtn } from "./rtn.ts";

/** What one linear lost. */
export interface LinearError {
  readonly layer: number;
  readonly module: string;
  /** ‖W - Ŵ‖² / ‖W‖². */
  readonly weightError: number;
  /** ‖X(W - Ŵ)ᵀ‖² / ‖XWᵀ‖² on the calibration text; null without one. */
  readonly outputError: number | null;
  /** GPTQ's damping, more than the recipe's where that was not enough; null for RTN. */
  readonly dampingFraction: number | null;
}

/** One quantized linear. */
export interface QuantizedLinear extends LinearError {
  readonly matrix: QuantizedMatrix;
}

/** What the core works with. */
export interface LayerQuantizationOptions {
  /** Null only for a method that needs no calibration. */
  readonly calibrator: Calibrator | null;
  /** A layer's matrices by module name where an earlier run has finished that layer, else null. Default: none is. */
  readonly finishedLayer?: (layer: number) => ReadonlyMap<string, QuantizedMatrix> | null;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Quantizes all linears of the decoder layers that are not finished.
 *
 * @yields each linear, in execution order
 */
export async function* quantizeLayers(
  source: Pick<Checkpoint, "config" | "readFloat32">,
  recipe: QuantizationRecipe,
  { calibrator, finishedLayer = () => null, signal }: LayerQuantizationOptions,
): AsyncGenerator<QuantizedLinear, void, void> {
  const { layerCount } = source.config;
  for (let layer = 0; layer < layerCount; layer++) {
    const finished = finishedLayer(layer);
    if (finished !== null && calibrator === null) continue;
    const parameters = readLayerParameters(source, layer);
    for (const [module, matrix] of finished ?? []) replaceWeight(parameters, module, matrix);
    const sites = Object.values(layerSites(source.config, layer));
    for (const { half, groups } of halves) {
      for (const kinds of finished === null ? groups : []) {
        const group = sites.filter(({ kind }) => kinds.includes(kind));
        yield* quantizeGroup(group, recipe, { parameters, calibrator, signal });
      }
      signal?.throwIfAborted();
      // oxlint-disable-next-line eslint/no-await-in-loop -- each half reads what the one before it wrote
      if (half === "attention" || layer < layerCount - 1) await calibrator?.advance(half, parameters);
    }
  }
}

/** The halves of a layer, with the groups of linears in them. */
const halves = [
  { half: "attention", groups: linearGroups.filter(([first]) => first === "q" || first === "o") },
  { half: "feed-forward", groups: linearGroups.filter(([first]) => first === "gate" || first === "down") },
] as const;

/**
 * Quantizes linears that read the same input, and puts the quantized weights in their place.
 *
 * @yields each linear
 */
async function* quantizeGroup(
  sites: readonly LinearSite[],
  recipe: QuantizationRecipe,
  {
    parameters,
    calibrator,
    signal,
  }: { parameters: LayerParameters; calibrator: Calibrator | null; signal: AbortSignal | undefined },
): AsyncGenerator<QuantizedLinear, void, void> {
  signal?.throwIfAborted();
  const gram = calibrator === null ? null : await calibrator.gram(sites[0]!.kind, parameters);
  const hessian = recipe.method === "gptq" ? await factorHessian(gram!, recipe, calibrator?.subtract) : null;
  for (const { name, layer, outFeatures, inFeatures } of sites) {
    signal?.throwIfAborted();
    const { data: values } = parameters.get(`${nameInLayer(name)}.weight`)!;
    const weight: Matrix = { rows: outFeatures, columns: inFeatures, values };
    // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
    const matrix = await quantizeMatrix(weight, recipe, { hessian, calibrator });
    replaceWeight(parameters, name, matrix);
    yield {
      layer: layer!,
      module: name,
      matrix,
      weightError: weightError(weight, matrix),
      // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
      outputError: gram === null ? null : await calibrator!.outputError(weight, matrix, gram),
      dampingFraction: hessian?.dampingFraction ?? null,
    };
  }
}

async function quantizeMatrix(
  weight: Matrix,
  recipe: QuantizationRecipe,
  { hessian, calibrator }: { hessian: HessianFactor | null; calibrator: Calibrator | null },
): Promise<QuantizedMatrix> {
  switch (recipe.method) {
    case "rtn":
      return quantizeRtn(weight, recipe);
    case "gptq":
      return quantizeWithFactor(weight, hessian!, { ...recipe, subtract: calibrator!.subtract });
    default:
      return recipe satisfies never;
  }
}

function replaceWeight(parameters: LayerParameters, module: string, matrix: QuantizedMatrix): void {
  const weight = sharedFloats([matrix.rows, matrix.columns], dequantize(matrix));
  parameters.set(`${nameInLayer(module)}.weight`, weight);
}
