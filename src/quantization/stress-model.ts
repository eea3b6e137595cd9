/**
 * @file Synthetic outlier channels: what small models lack, and AWQ and SmoothQuant are about.
 *
 * At each place where a layer's scales can move (`scaleFolds` of its family) some channels of the activation become 2^exponent times as large
 * and the columns of the linears that read them as many times smaller. Scaling by a power of two is exact in every float format, so the
 * model's function stays the same bit for bit; only its resistance to rounding changes. Numbers measured on such a model are synthetic.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { quantizedModelWriter } from "../checkpoint/quantized-model-writer.ts";
import { familyOf } from "../models/families.ts";
import { giverChannels } from "../models/scale-folds.ts";
import { BitmendError } from "../util/errors.ts";
import { randomStream, type RandomStream } from "../util/random.ts";
import { applyFold, giverVector } from "./apply-fold.ts";
import { nameInLayer, readLayerParameters } from "./layer-parameters.ts";

/** Which channels become outliers. */
export interface OutlierChannels {
  /** Of the channels of each place. */
  readonly fraction: number;
  /** Each becomes 2, 4, ... or 2^maxExponent times as large. */
  readonly maxExponent: number;
  readonly seed: number;
}

/**
 * Writes a copy of a full-precision model with outlier channels into `directory`; one that is there already is left as it is.
 *
 * @throws {BitmendError} `quantization/inexact-scaling` when a weight leaves the range of its data type; `checkpoint/other-identity`.
 */
export function writeStressedModel(
  source: Checkpoint,
  { directory, ...outliers }: OutlierChannels & { readonly directory: string },
): void {
  if (existsSync(join(directory, "config.json"))) return;
  const identity = JSON.stringify(["stressed", outliers]);
  const writer = quantizedModelWriter({ source, directory, schemes: new Map(), identity });
  for (let layer = 0; layer < source.config.layerCount; layer++) {
    const replacements = stressedLayer(source, layer, outliers);
    writer.writeShard(layer, { matrices: new Map(), replacements });
  }
  writer.writeShard(null, { matrices: new Map() });
  writer.finish();
}

/** The parameters of a layer that change, by tensor name. */
function stressedLayer(
  source: Checkpoint,
  layer: number,
  { fraction, maxExponent, seed }: OutlierChannels,
): Map<string, Float32Array> {
  const parameters = readLayerParameters(source, layer);
  const place = { source, layer, parameters, grids: new Map<string, never>() };
  const changed = new Set<string>();
  for (const [index, fold] of familyOf(source.config).scaleFolds.entries()) {
    const channelCount = giverChannels(source.config, fold).reduce((most, at) => Math.max(most, at + 1), 0);
    const random = randomStream(seed, "outliers", layer, index);
    const scales = outlierScales(channelCount, { fraction, maxExponent, random });
    const divided =
      giverVector(fold, place)?.values.map((value, channel) => value / scales[channel]!) ?? null;
    for (const name of applyFold(fold, { scales, divided }, place)) changed.add(name);
  }
  const values = new Map([...changed].map((name) => [name, parameters.get(nameInLayer(name))!.data]));
  refuseInexact(source, values);
  return values;
}

function outlierScales(
  channelCount: number,
  { fraction, maxExponent, random }: { fraction: number; maxExponent: number; random: RandomStream },
): Float64Array {
  const channels = random.shuffle(Array.from({ length: channelCount }, (_, channel) => channel));
  const scales = new Float64Array(channelCount).fill(1);
  for (const channel of channels.slice(0, Math.round(fraction * channelCount)))
    scales[channel] = 2 ** -(1 + random.integer(maxExponent));
  return scales;
}

/** A product with a power of two is exact but where it leaves the exponents of the type: then it changes beside its power. */
function refuseInexact(source: Checkpoint, values: ReadonlyMap<string, Float32Array>): void {
  const offenders = [...values].filter(([name, scaled]) => {
    const original = source.readFloat32(name);
    return scaled.some((value, index) => !isPowerOfTwo(value, original[index]!));
  });
  if (offenders.length === 0) return;
  throw new BitmendError(
    "quantization/inexact-scaling",
    `writeStressedModel(): expected weights that bear a power of two, but it is inexact in ${offenders.map(([name]) => name).join(", ")}.`,
    { hint: "Choose a smaller exponent." },
  );
}

function isPowerOfTwo(value: number, original: number): boolean {
  if (original === 0) return value === 0;
  return Number.isInteger(Math.log2(value / original));
}
