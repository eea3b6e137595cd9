/** @file What a quantization has to do and to hold, counted from shapes alone. */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { TensorLocation } from "../checkpoint/tensor-location.ts";
import { layerSites, linearGroups, type LinearSite } from "../models/linear-sites.ts";
import { parameterSites } from "../models/parameter-sites.ts";
import { mostRows, searchTokens } from "./awq-scales.ts";
import { defaultActivationMemory } from "./calibrator.ts";
import type { GridOptions } from "./grid-options.ts";
import { recipeGrids } from "./recipe-grids.ts";
import type { QuantizationRecipe } from "./recipe.ts";

/** Sizes of the calibration text. */
export interface TextSize {
  readonly tokens: number;
  /** Tokens of the longest sequence. */
  readonly longest: number;
}

/** What is counted; the work is that of all layers. */
export interface QuantizationWork {
  /** Multiplications and additions of float32 matrix products. */
  readonly productOperations: number;
  /** Multiplications and additions of Gram matrices, as if both halves were computed. */
  readonly gramOperations: number;
  /** Σ in³ over the factored Hessians. */
  readonly factorCubes: number;
  /** Σ in² over the factored Hessians. */
  readonly factorSquares: number;
  /** Weights that GPTQ rounds. */
  readonly gptqWeights: number;
  /** Σ out · in² over the weights that GPTQ rounds: its corrections. */
  readonly gptqProducts: number;
  /** Weights that are rounded to nearest, each as often as its clipping is tried. */
  readonly nearestWeights: number;
  /** Weights that are read, packed and written. */
  readonly weights: number;
  /** Of the source. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Of activations that do not fit the memory kept for them. */
  readonly spilledBytes: number;
  /** The most that is held at once, without what the process takes anyway. */
  readonly peakBytes: number;
}

/** Counts a quantization; `text` is null where none is calibrated on, `activationMemory` are the bytes of activations kept in memory. */
export function quantizationWork(
  {
    config,
    tensors,
  }: { readonly config: ModelConfig; readonly tensors: ReadonlyMap<string, TensorLocation> },
  recipe: QuantizationRecipe,
  {
    text,
    activationMemory = defaultActivationMemory,
  }: { readonly text: TextSize | null; readonly activationMemory?: number | undefined },
): QuantizationWork {
  const grids = recipeGrids(config, recipe);
  const groups = linearGroups.map((kinds) =>
    Object.values(layerSites(config, 0)).filter(({ kind }) => kinds.includes(kind)),
  );
  const layers = config.layerCount;
  const perLayer = groups.map((sites) => groupWork(sites, recipe, text));
  const sum = (part: keyof GroupWork): number =>
    layers * perLayer.reduce((total, group) => total + group[part], 0);
  const linearWeights = groups.flat().reduce((total, site) => total + size(site), 0);
  const readBytes = [...tensors.values()].reduce((total, { byteLength }) => total + byteLength, 0);
  const attention =
    text === null ? 0 : layers * 4 * text.tokens * text.longest * config.headCount * config.headDimension;
  return {
    productOperations: sum("productOperations") + attention,
    gramOperations: sum("gramOperations"),
    factorCubes: sum("factorCubes"),
    factorSquares: sum("factorSquares"),
    gptqWeights: sum("gptqWeights"),
    gptqProducts: sum("gptqProducts"),
    nearestWeights: sum("nearestWeights"),
    weights: layers * linearWeights,
    readBytes,
    writtenBytes: writtenBytes({ config, tensors }, grids),
    spilledBytes: spilledBytes(config, text, activationMemory),
    peakBytes: Math.max(
      outsideBytes({ config, tensors }, grids),
      layerBytes({ config, tensors }, recipe, { text, activationMemory }),
    ),
  };
}

type GroupWork = Pick<
  QuantizationWork,
  | "productOperations"
  | "gramOperations"
  | "factorCubes"
  | "factorSquares"
  | "gptqWeights"
  | "gptqProducts"
  | "nearestWeights"
>;

/** The work of linears that read the same input. */
function groupWork(
  sites: readonly LinearSite[],
  recipe: QuantizationRecipe,
  text: TextSize | null,
): GroupWork {
  const { inFeatures } = sites[0]!;
  const weights = sites.reduce((total, site) => total + size(site), 0);
  const usesFactor = text !== null && roundsByGptq(recipe);
  // The search for scales tries two families of them on some rows, and compares the best with none on all.
  const searched =
    recipe.method === "awq"
      ? sites.reduce((total, { outFeatures }) => total + Math.min(mostRows, outFeatures) * inFeatures, 0) *
        2 *
        recipe.ratios
      : 0;
  const trials = searched + weights * ((text === null ? 0 : 2) + (recipe.method === "awq" ? 2 : 0));
  // Folding looks at a half as it came, before it is rounded: text goes through the layer twice.
  const tokens = text?.tokens ?? 0;
  const again = { rtn: 0, gptq: 0, awq: Math.min(searchTokens, tokens), smoothquant: tokens }[recipe.method];
  return {
    productOperations: 2 * (weights * (tokens + again) + trials * inFeatures),
    gramOperations: 2 * (tokens + again) * inFeatures ** 2,
    factorCubes: usesFactor ? inFeatures ** 3 : 0,
    factorSquares: usesFactor ? inFeatures ** 2 : 0,
    gptqWeights: usesFactor ? weights : 0,
    gptqProducts: usesFactor ? weights * inFeatures : 0,
    nearestWeights: (usesFactor ? 0 : weights) + weights * rangeTrials(recipe) + searched,
  };
}

function roundsByGptq(recipe: QuantizationRecipe): boolean {
  return recipe.method === "gptq" || (recipe.method === "awq" && recipe.rounding === "gptq");
}

/** How often a weight is rounded to find its group's range; of a clip search most tries stop early. */
function rangeTrials({ range }: QuantizationRecipe): number {
  switch (range) {
    case "minmax":
      return 0;
    case "output":
      return 20;
    case "mse":
      return 80;
    default:
      return range satisfies never;
  }
}

function size({ outFeatures, inFeatures }: Pick<LinearSite, "outFeatures" | "inFeatures">): number {
  return outFeatures * inFeatures;
}

/** Bytes of the residual stream, and of what the widest last linear of a half reads. */
function activationBytes(config: ModelConfig, { tokens }: TextSize): readonly [hidden: number, read: number] {
  const { o, down } = layerSites(config, 0);
  return [4 * tokens * config.hiddenSize, 4 * tokens * Math.max(o.inFeatures, down.inFeatures)];
}

/** The residual stream has its place in memory first; each goes to disk whole. */
function spilledBytes(config: ModelConfig, text: TextSize | null, activationMemory: number): number {
  if (text === null) return 0;
  const [hidden, read] = activationBytes(config, text);
  if (hidden > activationMemory) return hidden + (read > activationMemory ? read : 0);
  return hidden + read > activationMemory ? read : 0;
}

/** Bytes of all files of weights that the result has. */
function writtenBytes(
  { config, tensors }: Pick<Parameters<typeof quantizationWork>[0], "config" | "tensors">,
  grids: ReadonlyMap<string, GridOptions>,
): number {
  return parameterSites(config).reduce((total, { name, shape }) => {
    const grid = grids.get(name.replace(/\.weight$/u, ""));
    if (grid === undefined) return total + (tensors.get(name)?.byteLength ?? 0);
    return total + packedBytes(shape[0]! * shape[1]!, shape[1]!, grid);
  }, 0);
}

function packedBytes(weights: number, columns: number, { bits, groupSize, symmetric }: GridOptions): number {
  const groups = weights / (groupSize === -1 ? columns : groupSize);
  return (weights * bits) / 8 + groups * (2 + (symmetric ? 0 : bits / 8));
}

/** Held while embedding, last norm and head are written. */
function outsideBytes(
  { config, tensors }: Pick<Parameters<typeof quantizationWork>[0], "config" | "tensors">,
  grids: ReadonlyMap<string, GridOptions>,
): number {
  const outside = parameterSites(config).filter(({ name }) => !name.startsWith("model.layers."));
  return outside.reduce((most, { name, shape }) => {
    const elements = shape.reduce((product, length) => product * length, 1);
    const isRounded = grids.has(name.replace(/\.weight$/u, ""));
    // As stored; and to be rounded, as float32 twice and as codes.
    return Math.max(most, (tensors.get(name)?.byteLength ?? 0) + (isRounded ? 10 * elements : 0));
  }, 0);
}

/** Held at the worst moment of a layer. */
function layerBytes(
  { config, tensors }: Pick<Parameters<typeof quantizationWork>[0], "config" | "tensors">,
  recipe: QuantizationRecipe,
  { text, activationMemory }: { readonly text: TextSize | null; readonly activationMemory: number },
): number {
  const sites = Object.values(layerSites(config, 0));
  const layerWeights = sites.reduce((total, site) => total + size(site), 0);
  const largest = sites.reduce((most, site) => Math.max(most, size(site)), 0);
  const elementBytes = (tensors.get(`${sites[0]!.name}.weight`)?.byteLength ?? 0) / size(sites[0]!);
  // Codes of the layer; and of one weight what is read, its float32 form twice, packed bits.
  const rounded = layerWeights + largest * (elementBytes + 8);
  if (text === null) return rounded + layerWeights;
  const batch = Math.max(2048, text.longest);
  const [hidden, read] = activationBytes(config, text);
  const inMemory = hidden + read - spilledBytes(config, text, activationMemory);
  const widest = sites.reduce((most, { inFeatures }) => Math.max(most, inFeatures), 0);
  const half = 4 * (layerWeights - sites.slice(0, 4).reduce((total, site) => total + size(site), 0));
  // Summing up: the weights of a half; the Gram matrix whole and by its upper half; input, what the linears give and the products between,
  // and as much again that the engine keeps.
  const summing = half + widest ** 2 * (4 + 2.2) + 4 * batch * 12 * widest;
  // Rounding: the Gram matrix beside the float64 factor, and the weights.
  const rounding = widest ** 2 * (4 + (roundsByGptq(recipe) ? 8 : 0)) + rounded;
  const search = recipe.method === "awq" ? 16 * largest : 0;
  return inMemory + layerWeights + search + Math.max(summing, rounding);
}
