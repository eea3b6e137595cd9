import { familyOf } from "../models/families.ts";
import { giverChannels, type ScaleFold } from "../models/scale-folds.ts";
import { applyFold, giverVector, readersOf, weightOf } from "./apply-fold.ts";
import { searchAwqScales, searchTokens } from "./awq-scales.ts";
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
  const some = recipe.method === "awq" ? { mostTokens: searchTokens } : {};
  const inputs = await calibrator.statistics(fold.readers[0]!, parameters, some);
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
