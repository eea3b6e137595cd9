import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { roundFloats } from "../checkpoint/round-floats.ts";
import { layerSites, type LinearSite } from "../models/linear-sites.ts";
import { giverChannels, type ScaleFold } from "../models/scale-folds.ts";
import { nameInLayer, sharedFloats, type LayerParameters } from "./layer-parameters.ts";
import type { Matrix } from "./matrix.ts";
import type { StorableScales } from "./storable-scales.ts";

/** A layer whose scales move. */
export interface FoldedLayer {
  readonly source: Pick<Checkpoint, "config" | "tensors">;
  readonly layer: number;
  /** Changed in place. */
  readonly parameters: LayerParameters;
  /** The modules that are quantized afterwards. */
  readonly grids: ReadonlyMap<string, unknown>;
}

/** Multiplies the readers' columns and divides what gives their input; returns the names of the tensors that changed. */
export function applyFold(fold: ScaleFold, { scales, divided }: StorableScales, work: FoldedLayer): string[] {
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
function asStored(name: string, values: Float32Array, { grids, source }: FoldedLayer): Float32Array {
  if (grids.has(name.replace(/\.weight$/u, ""))) return values;
  return roundFloats(values, source.tensors.get(name)?.dataType);
}

/** The gain or bias that is divided by the scales; null for a linear without a bias. */
export function giverVector(
  { giver }: ScaleFold,
  { source, parameters, layer }: FoldedLayer,
): { readonly name: string; readonly values: Float32Array } | null {
  const prefix = `model.layers.${layer}`;
  const site = giver.kind === "linear" ? layerSites(source.config, layer)[giver.linear] : null;
  const name = giver.kind === "norm" ? `${prefix}.${giver.module}.weight` : `${site!.name}.bias`;
  const parameter = parameters.get(nameInLayer(name));
  return parameter === undefined ? null : { name, values: parameter.data };
}

/** The linears that read the activation of a fold. */
export function readersOf({ readers }: ScaleFold, { source, layer }: FoldedLayer): LinearSite[] {
  return Object.values(layerSites(source.config, layer)).filter(({ kind }) => readers.includes(kind));
}

/** The weight of a linear as it is by now. */
export function weightOf({ name, outFeatures, inFeatures }: LinearSite, { parameters }: FoldedLayer): Matrix {
  const { data: values } = parameters.get(`${nameInLayer(name)}.weight`)!;
  return { rows: outFeatures, columns: inFeatures, values };
}
