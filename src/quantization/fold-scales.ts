import { roundFloats } from "../checkpoint/round-floats.ts";
import { familyOf } from "../models/families.ts";
import { layerSites, type LinearSite } from "../models/linear-sites.ts";
import { giverChannels, type ScaleFold } from "../models/scale-folds.ts";
import { searchAwqScales } from "./awq-scales.ts";
import { nameInLayer, sharedFloats } from "./layer-parameters.ts";
import type { Matrix } from "./matrix.ts";
import type { LayerWork } from "./quantize-layers.ts";
import { smoothQuantScales } from "./smoothquant-scales.ts";
import { storableScales, type StorableScales } from "./storable-scales.ts";

/**
 * Moves scales between the parameters of one half of a layer, in place, as the recipe's method asks; the function stays the same.
 *
 * All scales are found for the half as it came, then all are folded. Returns the names of the tensors that changed.
 */
export async function foldScales(half: ScaleFold["half"], work: LayerWork): Promise<readonly string[]> {
  const { recipe, source } = work;
  if (recipe.method !== "awq" && recipe.method !== "smoothquant") return [];
  const folds = familyOf(source.config).scaleFolds.filter(
    (fold) =>
      fold.half === half &&
      (recipe.method === "awq" || recipe.folds === "all" || fold.giver.kind === "norm") &&
      readersOf(fold, work).some(({ name }) => work.grids.has(name)),
  );
  const found: { readonly fold: ScaleFold; readonly scales: StorableScales }[] = [];
  for (const fold of folds) {
    work.signal?.throwIfAborted();
    // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
    found.push({ fold, scales: await findScales(fold, work) });
  }
  return found.flatMap(({ fold, scales }) => applyFold(fold, scales, work));
}

/** The scales that the recipe's method chooses. */
async function findScales(fold: ScaleFold, work: LayerWork): Promise<StorableScales> {
  const { recipe, grids, parameters, source } = work;
  const calibrator = work.calibrator!;
  const inputs = await calibrator.statistics(fold.readers[0]!, parameters);
  const channels = giverChannels(source.config, fold);
  const readers = readersOf(fold, work);
  const vector = giverVector(fold, work);
  const storable = (wanted: Float64Array): StorableScales =>
    storableScales(wanted, vector?.values ?? null, {
      dataType: vector === null ? undefined : source.tensors.get(vector.name)?.dataType,
      kind: fold.giver.kind === "norm" ? "gain" : "bias",
    });
  if (recipe.method === "smoothquant") {
    const weights = readers.map((site) => weightOf(site, work));
    const { maxAbsolute } = inputs;
    return storable(smoothQuantScales(weights, { maxAbsolute, channels, alpha: recipe.alpha }));
  }
  const quantized = readers.filter(({ name }) => grids.has(name));
  const search = {
    readers: quantized.map((site) => ({ weight: weightOf(site, work), grid: grids.get(site.name)! })),
    inputs,
    channels,
    storable,
    energy: calibrator.energies.ofRows,
  };
  return searchAwqScales(search, recipe.method === "awq" ? recipe.ratios : 1);
}

/** Multiplies the readers' columns and divides what gives their input; returns the names of the tensors that changed. */
function applyFold(fold: ScaleFold, { scales, divided }: StorableScales, work: LayerWork): string[] {
  const { source, parameters, layer } = work;
  if (scales.every((scale) => scale === 1)) return [];
  const channels = giverChannels(source.config, fold);
  const changed: string[] = [];
  const change = (name: string, values: Float32Array): void => {
    const { shape } = parameters.get(nameInLayer(name))!;
    parameters.set(nameInLayer(name), sharedFloats(shape, asStored(name, values, work)));
    changed.push(name);
  };
  for (const site of readersOf(fold, work)) {
    const { rows, columns, values } = weightOf(site, work);
    const columnScales = Float64Array.from(channels, (channel) => scales[channel]!);
    const scaled = new Float32Array(values.length);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const index = row * columns + column;
        scaled[index] = values[index]! * columnScales[column]!;
      }
    }
    change(`${site.name}.weight`, scaled);
  }
  const vector = giverVector(fold, work);
  if (vector !== null && divided !== null) change(vector.name, divided);
  if (fold.giver.kind === "linear") {
    const site = layerSites(source.config, layer)[fold.giver.linear];
    const { columns, values } = weightOf(site, work);
    const scaled = values.map((value, index) => value / scales[Math.floor(index / columns)]!);
    change(`${site.name}.weight`, scaled);
  }
  return changed;
}

/** What a tensor's file will hold: of weights that are quantized afterwards all digits, of others those of the source's data type. */
function asStored(name: string, values: Float32Array, { grids, source }: LayerWork): Float32Array {
  if (grids.has(name.replace(/\.weight$/u, ""))) return values;
  return roundFloats(values, source.tensors.get(name)?.dataType);
}

/** The gain or bias that is divided by the scales; null for a linear without a bias. */
function giverVector(
  { giver }: ScaleFold,
  { source, parameters, layer }: LayerWork,
): { readonly name: string; readonly values: Float32Array } | null {
  const prefix = `model.layers.${layer}`;
  const site = giver.kind === "linear" ? layerSites(source.config, layer)[giver.linear] : null;
  const name = giver.kind === "norm" ? `${prefix}.${giver.module}.weight` : `${site!.name}.bias`;
  const parameter = parameters.get(nameInLayer(name));
  return parameter === undefined ? null : { name, values: parameter.data };
}

function readersOf({ readers }: ScaleFold, { source, layer }: LayerWork): LinearSite[] {
  return Object.values(layerSites(source.config, layer)).filter(({ kind }) => readers.includes(kind));
}

function weightOf({ name, outFeatures, inFeatures }: LinearSite, { parameters }: LayerWork): Matrix {
  const { data: values } = parameters.get(`${nameInLayer(name)}.weight`)!;
  return { rows: outFeatures, columns: inFeatures, values };
}
