/**
 * @file The core of quantization: layer after layer, and inside a layer group after group (q/k/v, o, gate/up, down), each
 * calibrated on the activations of the model as it is quantized so far.
 *
 * {@link https://arxiv.org/abs/2210.17323 | GPTQ, Frantar et al. 2022}, section 4, calls for the quantized inputs of each
 * block; going group by group inside it is the authors' "true sequential". A layer then costs two passes over the calibration
 * text instead of one and a bit. Methods that move scales between parameters (fold-scales.ts) do so half by half, before the half is
 * rounded.
 */
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { dequantize } from "../checkpoint/dequantize.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { layerSites, linearGroups, type LinearSite } from "../models/linear-sites.ts";
import { collectGarbage } from "../util/collect-garbage.ts";
import type { Calibrator } from "./calibrator.ts";
import { foldScales } from "./fold-scales.ts";
import type { GridOptions } from "./grid-options.ts";
import { nameInLayer, readLayerParameters, sharedFloats, type LayerParameters } from "./layer-parameters.ts";
import type { Matrix } from "./matrix.ts";
import type { QuantizationRecipe } from "./recipe.ts";
import { recipeGrids } from "./recipe-grids.ts";
import { groupRounding, type Rounded } from "./round-group.ts";
import type { RoundingPool } from "./rounding-pool.ts";

/** What one linear lost. */
export interface LinearError {
  readonly layer: number;
  readonly module: string;
  /** ‖W - Ŵ‖² / ‖W‖², where W carries the scales that were folded into it. */
  readonly weightError: number;
  /** ‖X(W - Ŵ)ᵀ‖² / ‖XWᵀ‖² on the calibration text; null without one. */
  readonly outputError: number | null;
  /** GPTQ's damping, more than the recipe's where that was not enough; null where weights went to the nearest code. */
  readonly dampingFraction: number | null;
}

/** A layer whose linears are done. */
export interface QuantizedLayer {
  /** By module name. */
  readonly matrices: ReadonlyMap<string, QuantizedMatrix>;
  /** Other parameters that are not the source's any more, by tensor name; values are those that its data type holds. */
  readonly replacements: ReadonlyMap<string, Float32Array>;
}

/** What {@link quantizeLayers} yields. */
export type LayerEvent =
  | ({ readonly type: "linear" } & LinearError)
  | { readonly type: "warning"; readonly layer: number; readonly text: string }
  | ({ readonly type: "layer"; readonly layer: number } & QuantizedLayer);

/** What the core works with. */
export interface LayerQuantizationOptions {
  /** Null only for a method that needs no calibration. */
  readonly calibrator: Calibrator | null;
  readonly pool: RoundingPool;
  /** A layer that an earlier run has finished, else null; parameters that were not replaced may be among its replacements. Default: none is. */
  readonly finishedLayer?: (layer: number) => QuantizedLayer | null;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Quantizes the linears of the decoder layers that are not finished, those that the recipe keeps excepted.
 *
 * @yields each linear, in execution order, and each layer
 */
export async function* quantizeLayers(
  source: Pick<Checkpoint, "config" | "readFloat32" | "tensors">,
  recipe: QuantizationRecipe,
  { calibrator, pool, finishedLayer = () => null, signal }: LayerQuantizationOptions,
): AsyncGenerator<LayerEvent, void, void> {
  const { layerCount } = source.config;
  const grids = recipeGrids(source.config, recipe);
  for (let layer = 0; layer < layerCount; layer++) {
    const finished = finishedLayer(layer);
    if (finished !== null && calibrator === null) continue;
    const parameters = readLayerParameters(source, layer);
    if (finished !== null) putInPlace(parameters, finished);
    const work: LayerWork = { source, recipe, grids, layer, parameters, calibrator, pool, signal };
    const matrices = new Map<string, QuantizedMatrix>();
    const changed = new Set<string>();
    for (const { half, groups } of halves) {
      if (finished === null) {
        // oxlint-disable-next-line eslint/no-await-in-loop -- each half reads what the one before it wrote
        for (const name of await foldScales(half, work)) changed.add(name);
        for (const kinds of groups) yield* quantizeGroup(kinds, work, matrices);
      }
      signal?.throwIfAborted();
      // oxlint-disable-next-line eslint/no-await-in-loop -- each half reads what the one before it wrote
      if (half === "attention" || layer < layerCount - 1) await calibrator?.advance(half, parameters);
      freeWeights(parameters, matrices.keys());
    }
    if (finished !== null) continue;
    const replacements = new Map(
      [...changed]
        .filter((name) => !matrices.has(name.replace(/\.weight$/u, "")))
        .map((name) => [name, parameters.get(nameInLayer(name))!.data]),
    );
    yield { type: "layer", layer, matrices, replacements };
  }
}

/** One layer on its way. */
export interface LayerWork {
  readonly source: Pick<Checkpoint, "config" | "tensors">;
  readonly recipe: QuantizationRecipe;
  /** Of the modules that are quantized. */
  readonly grids: ReadonlyMap<string, GridOptions>;
  readonly layer: number;
  /** As they are by now: folded, quantized. */
  readonly parameters: LayerParameters;
  readonly calibrator: Calibrator | null;
  readonly pool: RoundingPool;
  readonly signal: AbortSignal | undefined;
}

/** The halves of a layer, with the groups of linears in them. */
const halves = [
  { half: "attention", groups: linearGroups.filter(([first]) => first === "q" || first === "o") },
  { half: "feed-forward", groups: linearGroups.filter(([first]) => first === "gate" || first === "down") },
] as const;

/**
 * Quantizes linears that read the same input, puts the quantized weights in their place and adds them to `matrices`.
 *
 * @yields each linear, and what has to be said about the group
 */
async function* quantizeGroup(
  kinds: readonly LinearSite["kind"][],
  { source, recipe, grids, layer, parameters, calibrator, pool, signal }: LayerWork,
  matrices: Map<string, QuantizedMatrix>,
): AsyncGenerator<LayerEvent, void, void> {
  const sites = Object.values(layerSites(source.config, layer)).filter(
    ({ kind, name }) => kinds.includes(kind) && grids.has(name),
  );
  if (sites.length === 0) return;
  signal?.throwIfAborted();
  const isLarge = sites.some(({ outFeatures, inFeatures }) => outFeatures * inFeatures >= largeWeight);
  const inputs = (await calibrator?.statistics(kinds[0]!, parameters, { keepReads: true })) ?? null;
  // What came before in this half is in what was read, which is kept.
  if (kinds.some((kind) => kind === "o" || kind === "down")) freeWeights(parameters, matrices.keys());
  if (isLarge) collectGarbage();
  const { round, warnings } = await groupRounding(
    recipe,
    inputs === null ? null : { inputs, calibrator: calibrator! },
    pool,
  );
  for (const text of warnings)
    yield { type: "warning", layer, text: `${sites.map(({ name }) => name).join(", ")}: ${text}` };
  for (const { name, outFeatures, inFeatures } of sites) {
    signal?.throwIfAborted();
    const { data: values } = parameters.get(`${nameInLayer(name)}.weight`)!;
    const weight: Matrix = { rows: outFeatures, columns: inFeatures, values };
    // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
    const { matrix, weightError, dampingFraction }: Rounded = await round(weight, grids.get(name)!);
    matrices.set(name, matrix);
    if (calibrator === null) parameters.delete(`${nameInLayer(name)}.weight`);
    else replaceWeight(parameters, name, matrix);
    yield {
      type: "linear",
      layer,
      module: name,
      weightError,
      // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
      outputError: inputs === null ? null : await calibrator!.outputError(weight, matrix, inputs.gram),
      dampingFraction,
    };
    if (isLarge) collectGarbage();
  }
}

/** From this many weights on a matrix is worth freeing at once. */
const largeWeight = 2 ** 21;

function freeWeights(parameters: LayerParameters, modules: Iterable<string>): void {
  for (const module of modules) parameters.delete(`${nameInLayer(module)}.weight`);
}

function putInPlace(parameters: LayerParameters, { matrices, replacements }: QuantizedLayer): void {
  for (const [name, values] of replacements) {
    const { shape } = parameters.get(nameInLayer(name))!;
    parameters.set(nameInLayer(name), sharedFloats(shape, values));
  }
  for (const [module, matrix] of matrices) replaceWeight(parameters, module, matrix);
}

function replaceWeight(parameters: LayerParameters, module: string, matrix: QuantizedMatrix): void {
  const weight = sharedFloats([matrix.rows, matrix.columns], dequantize(matrix));
  parameters.set(`${nameInLayer(module)}.weight`, weight);
}
