/**
 * @file Which parts of a model bear few bits: the divergence of the next token when one unit has another width than the rest.
 *
 * For each unit and width, the model runs with that unit rounded to it and everything else as its surroundings are: in full precision, or
 * rounded to one width. All candidates of a layer share the activations before it, and the weights behind it are read once for all of them.
 * Cost, in passes of the text through one layer: units · widths of a layer times Σ (layers from there on), so about
 * units · widths · (layers + 1) / 2 passes through the whole model.
 *
 * Own method, after the usual ones: {@link https://arxiv.org/abs/1911.03852 | HAWQ-V2} weighs layers by the Hessian's trace. The divergence
 * itself needs no approximation and no gradient. Single losses add up only near the model they are measured in: around full precision the
 * prediction for 3 bits was 3 to 10 times too small, around 3 bits mostly within 30 % (docs/log.md).
 */
import type { Bits } from "../checkpoint/quantized-matrix.ts";
import { EngineWorker } from "../engine/index.ts";
import type { SensitivityRecord } from "../runs/sensitivity.ts";
import { nameInLayer, readLayerParameters, sharedFloats, type LayerParameters } from "./layer-parameters.ts";
import { NextTokenDivergence, readOutputHead } from "./next-token-divergence.ts";
import type { SensitivityUnit } from "./sensitivity-units.ts";
import {
  copyOf,
  TextForward,
  type HiddenStream,
  type MeasuredSequence,
  type WeightSource,
} from "./text-forward.ts";

/** The weight of a module at a width, dequantized, [out, in]. */
export type RoundedWeight = (module: string, bits: Bits) => Float32Array;

export interface SensitivityOptions {
  readonly units: readonly SensitivityUnit[];
  readonly widths: readonly Bits[];
  readonly rounded: RoundedWeight;
  /** What `rounded` rounds by, for the records. */
  readonly roundedBy: SensitivityRecord["roundedBy"];
  /** The model around each candidate, with the width that all its layers have; embedding and head are the full model's. Default: the full model. */
  readonly surroundings?: { readonly bits: Bits; readonly model: WeightSource };
  /** What an earlier attempt measured; it is not measured again. Default: nothing. */
  readonly known?: readonly SensitivityRecord[];
  readonly threads: number;
  /** Bytes of activations that candidates may hold at once; fewer mean that weights are read more often. Default: 1 GiB. */
  readonly activationBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/** One unit at one width, being measured. */
interface Candidate {
  readonly unit: SensitivityUnit;
  readonly bits: Bits;
}

/**
 * Measures every unit at every width that is not known yet.
 *
 * @yields the records of each group of candidates as they are known, layer by layer; last those that change nothing
 */
export async function* measureSensitivity(
  source: WeightSource,
  sequences: readonly MeasuredSequence[],
  options: SensitivityOptions,
): AsyncGenerator<SensitivityRecord[], void, void> {
  const { layerCount } = source.config;
  const open = openCandidates(options);
  if (open.length === 0) return;
  await using worker = await EngineWorker.start({ threads: options.threads, spinning: false });
  const forward = await TextForward.start(worker, source, sequences);
  const divergence = await NextTokenDivergence.start(worker, source);
  const surroundings = options.surroundings?.model ?? source;
  const head = readOutputHead(source);
  const heads = { original: head, changed: head };
  const original = forward.embed(source);
  await forward.finish(original, source);
  const prefix = forward.embed(source);
  const streamBytes = original.reduce((sum, { data }) => sum + data.byteLength, 0);
  const atOnce = Math.max(1, Math.floor((options.activationBytes ?? 2 ** 30) / streamBytes));
  const recordOf = ({ unit, bits }: Candidate, value: number): SensitivityRecord => ({
    layer: unit.layer,
    part: unit.part,
    modules: [...unit.modules],
    bits,
    roundedBy: options.roundedBy,
    surroundingBits: options.surroundings?.bits ?? null,
    divergence: value,
  });
  const isNoChange = ({ bits }: Candidate): boolean => bits === options.surroundings?.bits;
  for (let layer = 0; layer < layerCount; layer++) {
    const candidates = open.filter((one) => one.unit.layer === layer && !isNoChange(one));
    const parameters = readLayerParameters(surroundings, layer);
    /* oxlint-disable eslint/no-await-in-loop -- layers follow one another */
    for (let first = 0; first < candidates.length; first += atOnce) {
      options.signal?.throwIfAborted();
      const members = candidates.slice(first, first + atOnce);
      const changed = await runCandidates(members, { ...options, surroundings, forward, prefix, parameters });
      const divergences = await divergence.measure(forward.batches, { original, changed }, heads);
      yield members.map((member, index) => recordOf(member, divergences[index]!));
    }
    await forward.advance(prefix, parameters);
    /* oxlint-enable eslint/no-await-in-loop */
  }
  const unchanged = open.filter(isNoChange);
  if (unchanged.length === 0) return;
  // By now the surroundings have run to their end: one divergence for all units at their width.
  const [value] = await divergence.measure(forward.batches, { original, changed: [prefix] }, heads);
  yield unchanged.map((member) => recordOf(member, value!));
}

function openCandidates({ units, widths, known = [] }: SensitivityOptions): Candidate[] {
  const done = new Set(known.map(({ modules, bits }) => keyOf(modules, bits)));
  return units
    .flatMap((unit) => widths.map((bits) => ({ unit, bits })))
    .filter(({ unit, bits }) => !done.has(keyOf(unit.modules, bits)));
}

function keyOf(modules: readonly string[], bits: number): string {
  return `${bits} ${modules.join(" ")}`;
}

/** The final hidden states with each candidate of one layer rounded alone. */
async function runCandidates(
  candidates: readonly Candidate[],
  context: Pick<SensitivityOptions, "rounded" | "signal"> & {
    readonly surroundings: WeightSource;
    readonly forward: TextForward;
    /** What the layer reads. */
    readonly prefix: HiddenStream;
    /** The layer's of the surroundings. */
    readonly parameters: LayerParameters;
  },
): Promise<HiddenStream[]> {
  const { surroundings, forward, prefix, parameters, rounded, signal } = context;
  const streams: HiddenStream[] = [];
  /* oxlint-disable eslint/no-await-in-loop -- one engine, one run at a time */
  for (const { unit, bits } of candidates) {
    const changed: LayerParameters = new Map(parameters);
    for (const module of unit.modules) {
      const name = `${nameInLayer(module)}.weight`;
      changed.set(name, sharedFloats(parameters.get(name)!.shape, rounded(module, bits)));
    }
    const stream = copyOf(prefix);
    await forward.advance(stream, changed);
    streams.push(stream);
  }
  for (let layer = candidates[0]!.unit.layer + 1; layer < surroundings.config.layerCount; layer++) {
    signal?.throwIfAborted();
    const later = readLayerParameters(surroundings, layer);
    for (const stream of streams) await forward.advance(stream, later);
  }
  /* oxlint-enable eslint/no-await-in-loop */
  return streams;
}
